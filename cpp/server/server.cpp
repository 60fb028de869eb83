#include "server/server.hpp"
