// For views of handlers that have nothing to do with the page /metrics.
#pragma once

#include <functional>
#include <string_view>

#include "exporters/exposition_source.h"

namespace tocsin::server {

class NoPage final : public ExpositionSource {
 public:
  uint64_t generation() const override { return 0; }
  void Refresh(const ExpositionRequest& /*request*/, Duration /*at_most*/) const override {}
  void Render(const ExpositionRequest& /*request*/,
              const std::function<void(std::string_view)>& /*write*/) const override {}
};

}  // namespace tocsin::server
