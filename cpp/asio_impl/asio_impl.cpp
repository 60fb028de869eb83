// The bodies of Asio and Beast, compiled once for all rooms that include their headers.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
