// A text that must not be shown.
#pragma once

#include <string>
#include <utility>

namespace tocsin {

// Has no conversion to text and no operator<<: to use the value, one must write Reveal().
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  bool empty() const { return value_.empty(); }
  // Only to hand it to the peer. Never into a log, a label, an error or a page.
  const std::string& Reveal() const { return value_; }
  // Secrets change when their files do; a reload compares them.
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string value_;
};

}  // namespace tocsin
