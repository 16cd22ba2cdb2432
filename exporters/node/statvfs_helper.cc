#include "exporters/node/statvfs_helper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace tocsin {
namespace {

constexpr size_t kMaxHelpers = 16;
constexpr int kChildSocket = 3;

struct Answer {
  int error = 0;  // errno, or 0
  struct statvfs stats {};
};

// After fork in a program with threads: only async-signal-safe calls from here on.
[[noreturn]] void RunChild(int socket, const char* path, StatvfsHelper::Call call, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);  // it died in between
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Nothing else of the parent's: an open listening socket would outlive it.
  if (socket != kChildSocket) ::dup2(socket, kChildSocket);
  ::close_range(kChildSocket + 1, ~0U, 0);
  char question = 0;
  while (::read(kChildSocket, &question, 1) == 1) {
    Answer answer;
    if (call(path, &answer.stats) != 0) answer.error = errno;
    if (::write(kChildSocket, &answer, sizeof answer) != sizeof answer) break;
  }
  ::_exit(0);
}

}  // namespace

StatvfsHelper::StatvfsHelper(std::string path, Call call) : path_(std::move(path)), call_(call) {}

StatvfsHelper::~StatvfsHelper() { End(); }

Status StatvfsHelper::Start() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return Unavailable("statvfs " + path_ + ": socketpair: " + std::strerror(errno));
  }
  const pid_t parent = ::getpid();
  const char* path = path_.c_str();
  const pid_t child = ::fork();
  if (child == 0) RunChild(pair[1], path, call_, parent);
  ::close(pair[1]);
  if (child < 0) {
    ::close(pair[0]);
    return Unavailable("statvfs " + path_ + ": fork: " + std::strerror(errno));
  }
  socket_ = pair[0];
  child_ = child;
  waiting_ = false;
  return Ok();
}

void StatvfsHelper::End() {
  if (child_ < 0) return;
  ::close(socket_);
  ::kill(child_, SIGKILL);
  // A child whose call hangs cannot be waited for; it is the system's when this process ends.
  ::waitpid(child_, nullptr, waiting_ ? WNOHANG : 0);
  child_ = -1;
  socket_ = -1;
  waiting_ = false;
}

Result<struct statvfs> StatvfsHelper::Ask(Duration patience) {
  if (child_ < 0) RETURN_IF_ERROR(Start());
  if (!waiting_) {
    const char question = '?';
    if (::send(socket_, &question, 1, MSG_NOSIGNAL) != 1) {
      End();
      return Unavailable("statvfs " + path_ + ": the helper process is gone");
    }
  } else {
    patience = Duration::zero();
  }
  waiting_ = true;
  pollfd readable = {.fd = socket_, .events = POLLIN, .revents = 0};
  if (::poll(&readable, 1, static_cast<int>(patience.count())) <= 0) {
    return TimedOut("statvfs " + path_ + ": no answer; is the file system's server gone?");
  }
  Answer answer;
  if (::recv(socket_, &answer, sizeof answer, 0) != sizeof answer) {
    End();
    return Unavailable("statvfs " + path_ + ": the helper process is gone");
  }
  waiting_ = false;
  if (answer.error != 0)
    return Unavailable("statvfs " + path_ + ": " + std::strerror(answer.error));
  return answer.stats;
}

Result<struct statvfs> StatvfsHelpers::Ask(const std::string& path, Duration patience) {
  auto found = helpers_.find(path);
  if (found == helpers_.end()) {
    if (helpers_.size() >= kMaxHelpers) {
      return ResourceExhausted("statvfs " + path + ": too many network file systems");
    }
    found = helpers_.emplace(path, std::make_unique<StatvfsHelper>(path)).first;
  }
  return found->second->Ask(patience);
}

}  // namespace tocsin
