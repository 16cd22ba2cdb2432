#include "cli/signals.h"

#include <unistd.h>
#include <csignal>
#include <initializer_list>

namespace tocsin::cli {
namespace {

sigset_t Awaited() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  return set;
}

}  // namespace

Signals::Signals() {
  const sigset_t set = Awaited();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Signals::~Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

Signals::Kind Signals::Wait() {
  const sigset_t set = Awaited();
  int number = 0;
  while (sigwait(&set, &number) != 0) continue;
  return number == SIGHUP ? Kind::kReload : Kind::kStop;
}

void Signals::RequestStop() { ::kill(::getpid(), SIGTERM); }

}  // namespace tocsin::cli
