// House rules: what the configuration's policies ask of rules.
#include <fmt/core.h>

#include <algorithm>

#include "engine/promql/plan.h"
#include "rules/lint/expr_walk.h"
#include "rules/lint/kernels.h"

namespace tocsin::lint {
namespace {

using promql::Expr;

bool Holds(const Policy& policy, const RuleContext& context) {
  const std::string_view kind = context.rule.alerting ? "alerting" : "recording";
  if (!policy.kind.empty() && policy.kind != kind) return false;
  if (policy.name && !policy.name->Matches(context.rule.name)) return false;
  if (policy.path && !policy.path->Matches(context.document.file)) return false;
  if (policy.group && !policy.group->Matches(context.group.name)) return false;
  return std::ranges::all_of(policy.labels, [&](const LabelSet::Pair& label) {
    return context.rule.labels.Get(label.first) == label.second;
  });
}

template <typename Say>
void ForEachPolicy(const RuleContext& context, const Say& say) {
  for (const Policy& policy : context.input.settings.policies) {
    if (Holds(policy, context)) say(policy);
  }
}

void CheckEntries(const EntryPolicy& policy, const LabelSet& entries, std::string_view what,
                  Reporter& report) {
  const bool annotation = what == "annotation";
  const auto about = [&](std::string_view name, std::string message) {
    Remark remark{.field = annotation ? "annotations" : "labels", .message = std::move(message)};
    (annotation ? remark.annotation : remark.label) = name;
    return remark;
  };
  for (const std::string& name : policy.required) {
    if (entries.Has(name)) continue;
    Remark remark = about(name, fmt::format("{} {} is required", what, name));
    remark.write = fmt::format("{}s: {{{}: …}}", what, name);
    report.Say(std::move(remark));
  }
  for (const std::string& name : policy.forbidden) {
    if (entries.Has(name)) report.Say(about(name, fmt::format("{} {} is not allowed", what, name)));
  }
  for (const auto& [name, pattern] : policy.values) {
    if (!entries.Has(name) || pattern.Matches(entries.Get(name))) continue;
    report.Say(about(name, fmt::format("{} {} must match {}", what, name, pattern.pattern())));
  }
}

}  // namespace

void CheckAnnotationPolicy(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting) return;
  ForEachPolicy(context, [&](const Policy& policy) {
    CheckEntries(policy.annotations, context.rule.annotations, "annotation", report);
  });
}

void CheckLabelPolicy(const RuleContext& context, Reporter& report) {
  ForEachPolicy(context, [&](const Policy& policy) {
    CheckEntries(policy.label_entries, context.rule.labels, "label", report);
  });
}

void CheckNamePolicy(const RuleContext& context, Reporter& report) {
  ForEachPolicy(context, [&](const Policy& policy) {
    if (!policy.rule_name || policy.rule_name->Matches(context.rule.name)) return;
    report.Say({.message = "the name must match " + policy.rule_name->pattern()});
  });
}

void CheckForPolicy(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting) return;
  ForEachPolicy(context, [&](const Policy& policy) {
    const Duration hold = context.rule.hold;
    if (policy.min_for && hold < *policy.min_for) {
      report.Say({.field = "for",
                  .message = "for must be at least " + FormatPrometheusDuration(*policy.min_for),
                  .write = "for: " + FormatPrometheusDuration(*policy.min_for)});
    }
    if (policy.max_for && hold > *policy.max_for) {
      report.Say({.field = "for",
                  .message = "for must be at most " + FormatPrometheusDuration(*policy.max_for),
                  .write = "for: " + FormatPrometheusDuration(*policy.max_for)});
    }
  });
}

void CheckRejectPolicy(const RuleContext& context, Reporter& report) {
  const auto check = [&](const Policy& policy, const LabelSet& entries, bool annotation) {
    for (const Regex& pattern : policy.reject) {
      for (const auto& [name, value] : entries) {
        if (!pattern.Matches(value) && !pattern.Matches(name)) continue;
        Remark remark{.message = fmt::format("{} must not contain {}", name, pattern.pattern())};
        (annotation ? remark.annotation : remark.label) = name;
        report.Say(std::move(remark));
      }
    }
  };
  ForEachPolicy(context, [&](const Policy& policy) {
    check(policy, context.rule.labels, false);
    check(policy, context.rule.annotations, true);
  });
}

void CheckLinkPolicy(const RuleContext& context, Reporter& report) {
  if (!context.input.follow) return;
  ForEachPolicy(context, [&](const Policy& policy) {
    if (!policy.follow_links) return;
    for (const auto& [name, value] : context.rule.annotations) {
      const bool link = value.starts_with("http://") || value.starts_with("https://");
      if (!link || value.find("{{") != std::string::npos) continue;
      const Status alive = context.input.follow(value);
      if (alive.ok()) continue;
      report.Say({.annotation = name,
                  .message = fmt::format("{} leads nowhere: {}", name, alive.error().message)});
    }
  });
}

void CheckOwnerPolicy(const RuleContext& context, Reporter& report) {
  ForEachPolicy(context, [&](const Policy& policy) {
    const std::string owner = context.document.OwnerOf(context.places);
    if (owner.empty()) {
      if (!policy.owner_required) return;
      report.Say({.message = "nobody owns this rule", .write = "# tocsin rule/owner NAME"});
      return;
    }
    if (policy.owners.empty() || std::ranges::count(policy.owners, owner) > 0) return;
    report.Say({.message = fmt::format("\"{}\" is none of the owners that there are", owner)});
  });
}

void CheckReportPolicy(const RuleContext& context, Reporter& report) {
  ForEachPolicy(context, [&](const Policy& policy) {
    if (!policy.report.empty()) report.Say({.message = policy.report});
  });
}

void CheckAggregatePolicy(const RuleContext& context, Reporter& report) {
  ForEachPolicy(context, [&](const Policy& policy) {
    Walk(context.root(), [&](const Expr& expr, Ancestors) {
      const auto* aggregate = expr.As<promql::Aggregate>();
      if (aggregate == nullptr) return;
      const LabelShape& before = context.flow.Of(*aggregate->expr);
      const LabelShape& after = context.flow.Of(expr);
      for (const std::string& label : policy.keep) {
        if (before.Of(label) == Presence::kNever || after.Of(label) != Presence::kNever) continue;
        report.Say({.in_expr = expr.position,
                    .message = fmt::format("the aggregation must keep the label {}", label)});
      }
      for (const std::string& label : policy.strip) {
        if (after.Of(label) == Presence::kNever) continue;
        report.Say({.in_expr = expr.position,
                    .message = fmt::format("the aggregation must drop the label {}", label)});
      }
    });
  });
}

void CheckSelectorPolicy(const RuleContext& context, Reporter& report) {
  ForEachPolicy(context, [&](const Policy& policy) {
    for (const FoundSelector& found : SelectorsBelow(context.root())) {
      for (const std::string& label : policy.selector_labels) {
        const bool has = std::ranges::any_of(found.selector->matchers, [&](const Matcher& matcher) {
          return matcher.name() == label;
        });
        if (has) continue;
        report.Say({.in_expr = found.expr->position,
                    .message = fmt::format("the selector must have a matcher for {}", label),
                    .subject = std::string(MetricOf(*found.selector))});
      }
    }
  });
}

}  // namespace tocsin::lint
