// YAML with places: every value knows the file, line and column it was written at, and every
// mapping is read field by field, so that a misspelt field is an error with a suggestion.
//
//   ASSIGN_OR_RETURN(const YamlNode root, YamlNode::Parse("alert_rules.yml", text));
//   ASSIGN_OR_RETURN(YamlMap rule, YamlMap::Open(root, "a rule"));
//   ASSIGN_OR_RETURN(std::string expr, rule.RequiredString("expr"));
//   ASSIGN_OR_RETURN(Duration hold, rule.OptionalDuration("for", Duration::zero()));
//   RETURN_IF_ERROR(rule.RejectUnknownFields());
//   // alert_rules.yml:12:9: unknown field "fro"; did you mean "for"?
//
// Only the first document of a file is read. Anchors, aliases and merge keys (<<) are resolved;
// equal keys in one mapping are refused. Scalars keep their text: whether `1` is a number or a
// text is decided by who reads it, as in Prometheus.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tocsin {

struct YamlOptions {
  size_t max_bytes = 16 << 20;
  // Counted after aliases are followed, so that a few lines cannot unfold into gigabytes.
  size_t max_nodes = 1'000'000;
  size_t max_depth = 64;
  // Applied to every scalar that is no key (environment variables); may be empty.
  std::function<Result<std::string>(std::string_view)> expand;
  // The values of these fields, wherever they stand, are not expanded: ${1} means something else
  // in a relabelling rule.
  std::vector<std::string> verbatim_fields;
};

// A value in a parsed document. Cheap to copy; keeps its document alive. Immutable.
class YamlNode {
 public:
  enum class Kind { kNull, kScalar, kSequence, kMap };

  // Errors: "file:line:column: what is wrong".
  static Result<YamlNode> Parse(std::string file, std::string_view text,
                                const YamlOptions& options = {});

  Kind kind() const;
  bool is_null() const { return kind() == Kind::kNull; }
  // The text of a scalar; "" for anything else.
  const std::string& text() const;
  // 1-based. An aliased value stands where its anchor stands; a block scalar at its indicator.
  int line() const;
  int column() const;
  const std::string& file() const;
  // "file:line:column: " + message.
  Error ErrorHere(std::string_view message) const;

  // A null is "" as a string and an error as anything else.
  Result<std::string> AsString() const;
  Result<bool> AsBool() const;  // true false yes no on off
  Result<int64_t> AsInt() const;
  Result<double> AsDouble() const;  // not in quotes
  Result<Duration> AsDuration() const;  // Prometheus' "1h30m"
  // Bytes: "10MB", "1.5GiB", "512". Powers of 1024 either way, as Prometheus counts.
  Result<uint64_t> AsBytes() const;
  // The elements of a sequence; empty for null.
  Result<std::vector<YamlNode>> AsList() const;
  Result<std::vector<std::string>> AsStringList() const;
  // The pairs of a mapping in the file's order, merged ones last; empty for null.
  using Entry = std::pair<YamlNode, YamlNode>;
  Result<std::vector<Entry>> AsEntries() const;
  // A mapping of scalars.
  Result<std::vector<std::pair<std::string, std::string>>> AsStringMap() const;

 private:
  struct Item;
  struct Tree;
  class Builder;
  YamlNode(std::shared_ptr<const Tree> tree, uint32_t index)
      : tree_(std::move(tree)), index_(index) {}
  const Item& item() const;
  YamlNode At(uint32_t index) const { return {tree_, index}; }
  Error Expected(std::string_view what) const;

  std::shared_ptr<const Tree> tree_;
  uint32_t index_ = 0;
};

// Reads the fields of one mapping. Remembers which were asked for: the others are unknown.
class YamlMap {
 public:
  // `what` names the mapping in messages: "a rule". Null counts as an empty mapping.
  static Result<YamlMap> Open(const YamlNode& node, std::string_view what);

  const YamlNode& node() const { return node_; }
  // Nothing when the field is absent or null.
  std::optional<YamlNode> Find(std::string_view field);
  // Where the field's key stands; for errors about the field as a whole. The mapping's place when
  // absent.
  Error ErrorAt(std::string_view field, std::string_view message) const;

  Result<YamlNode> Required(std::string_view field);
  Result<std::string> RequiredString(std::string_view field);
  Result<std::string> OptionalString(std::string_view field, std::string otherwise = {});
  Result<bool> OptionalBool(std::string_view field, bool otherwise);
  Result<int64_t> OptionalInt(std::string_view field, int64_t otherwise);
  Result<double> OptionalDouble(std::string_view field, double otherwise);
  Result<Duration> OptionalDuration(std::string_view field, Duration otherwise);
  Result<uint64_t> OptionalBytes(std::string_view field, uint64_t otherwise);
  // Empty when absent.
  Result<std::vector<YamlNode>> OptionalList(std::string_view field);
  Result<std::vector<std::string>> OptionalStringList(std::string_view field);
  Result<std::vector<std::pair<std::string, std::string>>> OptionalStringMap(
      std::string_view field);

  // Fields that are accepted without being read here.
  void Accept(std::string_view field) { known_.emplace_back(field); }
  // Call after all fields have been asked for.
  Status RejectUnknownFields() const;

 private:
  YamlMap(YamlNode node, std::string what, std::vector<YamlNode::Entry> entries)
      : node_(std::move(node)), what_(std::move(what)), entries_(std::move(entries)) {}

  YamlNode node_;
  std::string what_;
  std::vector<YamlNode::Entry> entries_;
  std::vector<std::string> known_;
};

// The candidate that `word` is most likely a misspelling of; "" when none is near.
std::string_view NearestWord(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace tocsin
