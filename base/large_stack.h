// A stack for recursion over what users write.
#pragma once

#include <functional>

namespace tocsin {

// Runs `work` with 16 MiB of stack, on a thread of its own, and waits for it. For threads that a
// library made with little: civetweb's have 100 KiB. Where no thread can be made the work is done
// here.
void RunOnLargeStack(const std::function<void()>& work);

}  // namespace tocsin
