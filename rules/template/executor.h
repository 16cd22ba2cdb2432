// Runs a parsed template, bounded in steps, depth and output.
#pragma once

#include <string>

#include "base/result.h"
#include "rules/template/ast.h"
#include "rules/template/functions.h"
#include "rules/template/value.h"

namespace tocsin::templates {

constexpr size_t kMaxTemplateOutput = 1 << 20;
constexpr size_t kMaxTemplateSteps = 1'000'000;

// Errors are Go's own: `template: NAME:LINE:COLUMN: executing "NAME" at <.X>: reason`.
Result<std::string> Execute(const Tree& tree, const AlertFields& fields,
                            const Environment& environment);

}  // namespace tocsin::templates
