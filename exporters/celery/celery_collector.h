// Celery's queues, read from a Redis broker alone: no worker is asked, so that a backlog without
// any worker is seen.
//
// Source of the key layout: kombu's Redis transport. A queue is a list per priority step; step 0
// has the queue's name, step N the name, the separator and N. Declared queues are members of the
// sets _kombu.binding.<exchange>. Messages that workers hold are in the hash `unacked`, with the
// times of their delivery in `unacked_index`.
#pragma once

#include "exporters/collectors.h"

namespace tocsin {

// The row of kCollectors.
CollectorSpec CeleryCollectorSpec();

}  // namespace tocsin
