// Text to tree: the grammar of Go's text/template, bounded in depth.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "rules/template/ast.h"

namespace tocsin::templates {

constexpr size_t kMaxTemplateBytes = 1 << 20;
constexpr int kMaxTemplateDepth = 100;  // of nested blocks and parentheses

// Errors are Go's own: `template: NAME:LINE: function "x" not defined`.
Result<std::unique_ptr<const Tree>> Parse(std::string name, std::string text);

}  // namespace tocsin::templates
