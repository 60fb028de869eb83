#include "wire/json.hpp"
