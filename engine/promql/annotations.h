// Warnings and infos that a query gathers beside its result.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/promql/ast.h"

namespace tocsin::promql {

// Told by their text: of several with the same text the last one is kept, with its position, as in
// Prometheus. Texts are Prometheus' own, with the prefix "PromQL warning: " or "PromQL info: " and
// without position.
//
// Not thread-safe: each worker fills its own, Merge joins them.
class Annotations {
 public:
  void Warn(std::string text, PositionRange position) {
    warnings_.insert_or_assign(std::move(text), position);
  }
  void Info(std::string text, PositionRange position) {
    infos_.insert_or_assign(std::move(text), position);
  }
  // With the positions of `other` moved by `shift` bytes.
  void Merge(const Annotations& other, int32_t shift = 0) {
    Insert(other.warnings_, shift, warnings_);
    Insert(other.infos_, shift, infos_);
  }
  bool empty() const { return warnings_.empty() && infos_.empty(); }

  // "… (1:7)": with line and column of the position in `query`.
  std::vector<std::string> Warnings(std::string_view query) const;
  std::vector<std::string> Infos(std::string_view query) const;

 private:
  using ByText = std::map<std::string, PositionRange, std::less<>>;
  static void Insert(const ByText& from, int32_t shift, ByText& to) {
    for (const auto& [text, position] : from) {
      to.insert_or_assign(text, PositionRange{position.begin + shift, position.end + shift});
    }
  }
  static std::vector<std::string> Render(const ByText& entries, std::string_view query);

  ByText warnings_;
  ByText infos_;
};

}  // namespace tocsin::promql
