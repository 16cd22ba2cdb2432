// How metric and label names that are not of the old alphabet ([a-zA-Z_:][a-zA-Z0-9_:]*) are
// written for readers that only know the old one.
//
// Source of the schemes: prometheus.io/docs/instrumenting/escaping_schemes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/model/label_set.h"

namespace tocsin {

enum class EscapingScheme {
  kAllowUtf8,    // as they are, quoted
  kUnderscores,  // "http.status" -> "http_status"
  kDots,         // "http.status_code" -> "http_dot_status__code"
  kValues,       // "http.status" -> "U__http_2e_status"; can be undone
};

// "allow-utf-8", "underscores", "dots", "values".
std::string_view EscapingSchemeText(EscapingScheme scheme);

std::string EscapeName(std::string_view name, EscapingScheme scheme);
// Whether the names of these labels, and the metric's, are other ones under the scheme.
bool NeedsEscaping(std::span<const std::pair<std::string_view, std::string_view>> labels,
                   EscapingScheme scheme);
LabelSet EscapeNames(const LabelSet& labels, EscapingScheme scheme);

}  // namespace tocsin
