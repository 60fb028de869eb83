// The bodies of Asio, Beast and Boost.URL, compiled once for all rooms that include their headers.
//
// What they call socket() and accept() is here, and nowhere else, what cpp/asio_impl/sockets.cpp has: the
// sockets of a program that links Pena stay its own affair.
#include <sys/socket.h>

extern "C" {

int socket(int domain, int type, int protocol) noexcept __asm__("pena_socket");
int accept(int listening, sockaddr* __restrict peer,
           socklen_t* __restrict size) __asm__("pena_accept");

}  // extern "C"

#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
#include <boost/url/src.hpp>
