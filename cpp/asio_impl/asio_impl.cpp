// The bodies of Asio, Beast and Boost.URL, compiled once for all rooms that include their headers.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
#include <boost/url/src.hpp>
