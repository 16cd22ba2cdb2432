// The fields of Alertmanager's configuration file, a row each: what may stand where.
//
// Source: prometheus.io/docs/alerting/latest/configuration (0.28).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::alertmanager {

enum class FieldKind {
  kText,
  kSecret,
  kUrl,        // http or https, with a host
  kSecretUrl,  // the same, but not to be shown
  kAddress,    // host:port
  kBool,
  kInt,
  kDuration,
  kTexts,     // a list
  kLabels,    // a list of names of labels
  kTextMap,   // names and texts
  kLabelMap,  // names of labels and texts
  kRegexMap,  // names of labels and regular expressions
  kMatchers,  // a list of matchers, or one text
  kSection,   // one mapping of the section `of`
  kSections,  // a list of these
  kAny,       // not looked into
};

struct FieldRow {
  std::string_view section;
  std::string_view name;
  FieldKind kind = FieldKind::kText;
  std::string_view of = {};  // for kSection and kSections
};

// Null when the section has no such field.
const FieldRow* FindField(std::string_view section, std::string_view name);
std::vector<std::string> FieldNames(std::string_view section);

// What else must hold in a section. Names are separated by |.
struct SectionRule {
  enum class Kind {
    kAtMostOne,  // of these fields
    kAllOf,      // these fields must be there
    kOneOf,      // the field's value must be one of these texts
  };
  std::string_view section;
  Kind kind;
  std::string_view names;
  std::string_view field = {};  // of kOneOf
};
std::span<const SectionRule> SectionRules();

// What people write who think of another section or program, and what they mean.
std::string_view AdviceFor(std::string_view section, std::string_view name);

// The kinds of receivers: "email_configs", with whether they tell the end of an alert by default.
struct IntegrationRow {
  std::string_view field;
  std::string_view section;
  bool send_resolved = true;
  // At least one of each must be set, here or under `global` with the name that follows it.
  struct Need {
    std::string_view any_of;       // field names, separated by |
    std::string_view global = {};  // the same, of section global
  };
  std::vector<Need> needs;
};
std::span<const IntegrationRow> Integrations();

}  // namespace tocsin::alertmanager
