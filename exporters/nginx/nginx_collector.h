// nginx' own status page (ngx_http_stub_status_module), under nginx-prometheus-exporter's names.
#pragma once

#include <string_view>

#include "exporters/collectors.h"

namespace tocsin {

struct NginxStatus {
  double active = 0;
  double accepted = 0;
  double handled = 0;
  double requests = 0;
  double reading = 0;
  double writing = 0;
  double waiting = 0;
};

// The four lines of the page.
Result<NginxStatus> ParseNginxStatus(std::string_view page);

// The row of kCollectors.
CollectorSpec NginxCollectorSpec();

}  // namespace tocsin
