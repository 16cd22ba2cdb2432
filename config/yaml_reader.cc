#include "config/yaml_reader.h"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <istream>
#include <limits>
#include <map>
#include <streambuf>
#include <unordered_map>

#include "base/go_float.h"

namespace tocsin {
namespace {

// Carries an Error out of yaml-cpp's callbacks, which have no other way to stop the parser.
struct Abandoned {
  Error error;
};

// Lets yaml-cpp read a string without copying it.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // NOLINT: only ever read
    setg(begin, begin, begin + text.size());
  }
};

std::string Place(std::string_view file, int line, int column) {
  return fmt::format("{}:{}:{}: ", file, line, column);
}

// Whether the quoted text that opens at `begin` is closed; yaml-cpp takes the end of the file for
// a closing quote.
bool QuoteIsClosed(std::string_view text, size_t begin) {
  if (begin >= text.size() || (text[begin] != '"' && text[begin] != '\'')) return true;
  const char quote = text[begin];
  for (size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 >= text.size() || text[i + 1] != quote) return true;
      ++i;
    }
  }
  return false;
}

}  // namespace

struct YamlNode::Item {
  Kind kind = Kind::kNull;
  bool plain = true;
  int line = 1;
  int column = 1;
  // This node and everything below it, aliases followed.
  size_t weight = 1;
  std::string text;
  // Elements of a sequence; key, value, key, value … of a mapping.
  std::vector<uint32_t> children;
};

struct YamlNode::Tree {
  std::string file;
  std::vector<Item> items;
};

// Builds the tree from yaml-cpp's events.
class YamlNode::Builder : public YAML::EventHandler {
 public:
  Builder(Tree& tree, const YamlOptions& options) : tree_(tree), options_(options) {}

  uint32_t root() const { return root_; }
  // An open quote swallows the rest of the file, so only the last quoted text can be open.
  Status CheckLastQuote(std::string_view text) const {
    if (!last_quoted_ || QuoteIsClosed(text, last_quote_offset_)) return Ok();
    const Item& item = tree_.items[*last_quoted_];
    return InvalidArgument(Place(tree_.file, item.line, item.column) +
                           "this quoted text is never closed");
  }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(Make(Kind::kNull, mark, anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end() || std::ranges::find(open_, found->second) != open_.end()) {
      throw Abandoned{InvalidArgument(Place(tree_.file, mark.line + 1, mark.column + 1) +
                                      "an alias may not stand inside its own anchor")};
    }
    Add(found->second);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const uint32_t index = Make(Kind::kScalar, mark, anchor);
    Item& item = tree_.items[index];
    item.plain = tag == "?";
    item.text = value;
    if (!item.plain) {
      last_quoted_ = index;
      last_quote_offset_ = static_cast<size_t>(std::max(mark.pos, 0));
    }
    if (options_.expand && !NextIsKey() && !IsVerbatim()) {
      Result<std::string> expanded = options_.expand(value);
      if (!expanded.ok()) {
        throw Abandoned{Prefixed(Place(tree_.file, item.line, item.column), expanded.error())};
      }
      item.text = *std::move(expanded);
    }
    Add(index);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(Make(Kind::kSequence, mark, anchor));
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(Make(Kind::kMap, mark, anchor));
  }
  void OnMapEnd() override {
    ResolveKeys(open_.back());
    Close();
  }

 private:
  [[noreturn]] void Fail(uint32_t at, std::string_view message) const {
    const Item& item = tree_.items[at];
    throw Abandoned{
        InvalidArgument(Place(tree_.file, item.line, item.column) + std::string(message))};
  }

  uint32_t Make(Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    Item item;
    item.kind = kind;
    item.line = std::max(mark.line, 0) + 1;
    item.column = std::max(mark.column, 0) + 1;
    tree_.items.push_back(std::move(item));
    const auto index = static_cast<uint32_t>(tree_.items.size() - 1);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = index;
    return index;
  }

  bool NextIsKey() const {
    if (open_.empty()) return false;
    const Item& parent = tree_.items[open_.back()];
    return parent.kind == Kind::kMap && parent.children.size() % 2 == 0;
  }

  bool IsVerbatim() const {
    if (open_.empty() || tree_.items[open_.back()].kind != Kind::kMap) return false;
    const std::string& field = tree_.items[tree_.items[open_.back()].children.back()].text;
    return std::ranges::find(options_.verbatim_fields, field) != options_.verbatim_fields.end();
  }

  // Puts a finished node into the innermost open one.
  void Add(uint32_t index) {
    if (open_.empty()) {
      root_ = index;
      return;
    }
    Item& parent = tree_.items[open_.back()];
    parent.children.push_back(index);
    parent.weight += tree_.items[index].weight;
    if (parent.weight > options_.max_nodes) {
      Fail(index, fmt::format("more than {} values; aliases count as often as they are used",
                              options_.max_nodes));
    }
  }

  void Open(uint32_t index) {
    open_.push_back(index);
    if (open_.size() > options_.max_depth) {
      Fail(index, fmt::format("nested deeper than {} levels", options_.max_depth));
    }
  }

  void Close() {
    const uint32_t index = open_.back();
    open_.pop_back();
    Add(index);
  }

  // Keys are scalars and unique; what << brings in stands behind the mapping's own fields.
  void ResolveKeys(uint32_t map) {
    std::vector<uint32_t> own;
    std::vector<uint32_t> merged_from;
    std::unordered_map<std::string_view, uint32_t> seen;
    const std::vector<uint32_t> children = tree_.items[map].children;
    for (size_t i = 0; i + 1 < children.size(); i += 2) {
      const Item& key = tree_.items[children[i]];
      if (key.kind == Kind::kSequence || key.kind == Kind::kMap) {
        Fail(children[i], "the key of a mapping must be a text");
      }
      if (key.plain && key.text == "<<") {
        merged_from.push_back(children[i + 1]);
        continue;
      }
      const auto [first, is_new] = seen.emplace(key.text, children[i]);
      if (!is_new) {
        Fail(children[i], fmt::format("mapping key \"{}\" already defined at line {}", key.text,
                                      tree_.items[first->second].line));
      }
      own.insert(own.end(), {children[i], children[i + 1]});
    }
    if (merged_from.empty()) return;
    for (const uint32_t source : merged_from) Merge(source, own, seen);
    tree_.items[map].children = std::move(own);
  }

  void Merge(uint32_t source, std::vector<uint32_t>& own,
             std::unordered_map<std::string_view, uint32_t>& seen) const {
    const Item& item = tree_.items[source];
    if (item.kind == Kind::kSequence) {
      for (const uint32_t element : item.children) {
        if (tree_.items[element].kind != Kind::kMap) Fail(element, "<< wants mappings");
        Merge(element, own, seen);
      }
      return;
    }
    if (item.kind != Kind::kMap) Fail(source, "<< wants a mapping or a list of mappings");
    for (size_t i = 0; i + 1 < item.children.size(); i += 2) {
      const uint32_t key = item.children[i];
      if (!seen.emplace(tree_.items[key].text, key).second) continue;
      own.insert(own.end(), {key, item.children[i + 1]});
    }
  }

  Tree& tree_;
  const YamlOptions& options_;
  uint32_t root_ = 0;
  std::optional<uint32_t> last_quoted_;
  size_t last_quote_offset_ = 0;
  std::vector<uint32_t> open_;
  std::map<YAML::anchor_t, uint32_t> anchors_;
};

Result<YamlNode> YamlNode::Parse(std::string file, std::string_view text,
                                 const YamlOptions& options) {
  if (text.size() > options.max_bytes) {
    return InvalidArgument(fmt::format("{}: {} bytes are more than the {} that are allowed", file,
                                       text.size(), options.max_bytes));
  }
  auto tree = std::make_shared<Tree>();
  tree->file = std::move(file);
  Builder builder(*tree, options);
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) tree->items.emplace_back();
    RETURN_IF_ERROR(builder.CheckLastQuote(text));
  } catch (const Abandoned& abandoned) {
    return abandoned.error;
  } catch (const YAML::Exception& e) {
    return InvalidArgument(
        Place(tree->file, std::max(e.mark.line, 0) + 1, std::max(e.mark.column, 0) + 1) + e.msg);
  }
  return YamlNode(std::move(tree), builder.root());
}

const YamlNode::Item& YamlNode::item() const { return tree_->items[index_]; }
YamlNode::Kind YamlNode::kind() const { return item().kind; }
const std::string& YamlNode::text() const { return item().text; }
int YamlNode::line() const { return item().line; }
int YamlNode::column() const { return item().column; }
const std::string& YamlNode::file() const { return tree_->file; }

Error YamlNode::ErrorHere(std::string_view message) const {
  return InvalidArgument(Place(file(), line(), column()) + std::string(message));
}

Error YamlNode::Expected(std::string_view what) const {
  switch (kind()) {
    case Kind::kNull:
      return ErrorHere(fmt::format("expected {}, got nothing", what));
    case Kind::kScalar:
      return ErrorHere(fmt::format("expected {}, got \"{}\"", what, text()));
    case Kind::kSequence:
      return ErrorHere(fmt::format("expected {}, got a list", what));
    case Kind::kMap:
      return ErrorHere(fmt::format("expected {}, got a mapping", what));
  }
  return ErrorHere(what);
}

Result<std::string> YamlNode::AsString() const {
  if (kind() == Kind::kSequence || kind() == Kind::kMap) return Expected("a text");
  return text();
}

Result<bool> YamlNode::AsBool() const {
  constexpr std::string_view kYes[] = {"true", "True", "TRUE", "yes", "Yes",
                                       "YES",  "on",   "On",   "ON"};
  constexpr std::string_view kNo[] = {"false", "False", "FALSE", "no", "No",
                                      "NO",    "off",   "Off",   "OFF"};
  if (kind() == Kind::kScalar) {
    if (std::ranges::find(kYes, text()) != std::end(kYes)) return true;
    if (std::ranges::find(kNo, text()) != std::end(kNo)) return false;
  }
  return Expected("true or false");
}

Result<int64_t> YamlNode::AsInt() const {
  int64_t number = 0;
  const char* end = text().data() + text().size();
  const auto [stop, code] = std::from_chars(text().data(), end, number);
  if (kind() != Kind::kScalar || code != std::errc{} || stop != end) {
    return Expected("a whole number");
  }
  return number;
}

// 0b11, 0o17, 017: YAML's whole numbers that are not decimal. Nothing for others.
std::optional<int64_t> PrefixedInteger(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.size() < 2 || text[0] != '0') return std::nullopt;
  const char mark = text[1];
  const bool octal = mark >= '0' && mark <= '7';
  if (!octal && mark != 'b' && mark != 'o' && mark != 'x') return std::nullopt;
  const int base = mark == 'b' ? 2 : mark == 'x' ? 16 : 8;
  text.remove_prefix(octal ? 1 : 2);
  int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return negative ? -number : number;
}

Result<double> YamlNode::AsDouble() const {
  if (kind() != Kind::kScalar || !item().plain) return Expected("a number");
  const bool negative = text().starts_with('-');
  const std::string_view magnitude =
      std::string_view(text()).substr(negative || text().starts_with('+') ? 1 : 0);
  for (const std::string_view infinity : {".inf", ".Inf", ".INF"}) {
    if (magnitude != infinity) continue;
    return negative ? -std::numeric_limits<double>::infinity()
                    : std::numeric_limits<double>::infinity();
  }
  for (const std::string_view nan : {".nan", ".NaN", ".NAN"}) {
    if (text() == nan) return std::numeric_limits<double>::quiet_NaN();
  }
  std::string digits = text();
  std::erase(digits, '_');
  if (const std::optional<int64_t> integer = PrefixedInteger(digits)) {
    return static_cast<double>(*integer);
  }
  // Go's "Inf" and "NaN" are texts in YAML.
  const std::optional<double> number = ParseGoFloat(digits);
  if (!number || !std::isfinite(*number)) return Expected("a number");
  return *number;
}

Result<Duration> YamlNode::AsDuration() const {
  if (kind() != Kind::kScalar) return Expected("a duration such as 30s or 5m");
  const Result<Duration> duration = ParsePrometheusDuration(text());
  if (!duration.ok()) return ErrorHere(duration.error().message);
  return *duration;
}

Result<uint64_t> YamlNode::AsBytes() const {
  struct Unit {
    std::string_view letter;
    int shift;
  };
  constexpr Unit kUnits[] = {{"", 0},   {"K", 10}, {"M", 20}, {"G", 30},
                             {"T", 40}, {"P", 50}, {"E", 60}};
  const std::string_view all = text();
  const size_t digits = std::min(all.find_first_not_of("0123456789."), all.size());
  std::string_view unit = all.substr(digits);
  if (unit.ends_with("B")) unit.remove_suffix(1);
  if (unit.ends_with("i")) unit.remove_suffix(1);
  const std::optional<double> number = ParseGoFloat(all.substr(0, digits));
  const auto* row = std::ranges::find(kUnits, unit, &Unit::letter);
  if (kind() != Kind::kScalar || !number || row == std::end(kUnits)) {
    return Expected("a size such as 512KB or 10MB");
  }
  const double bytes = *number * static_cast<double>(uint64_t{1} << row->shift);
  if (bytes >= 9.2e18) return Expected("a size below 8EB");
  return static_cast<uint64_t>(bytes);
}

Result<std::vector<YamlNode>> YamlNode::AsList() const {
  std::vector<YamlNode> elements;
  if (is_null()) return elements;
  if (kind() != Kind::kSequence) return Expected("a list");
  for (const uint32_t child : item().children) elements.push_back(At(child));
  return elements;
}

Result<std::vector<std::string>> YamlNode::AsStringList() const {
  std::vector<std::string> texts;
  ASSIGN_OR_RETURN(const std::vector<YamlNode> elements, AsList());
  for (const YamlNode& element : elements) {
    ASSIGN_OR_RETURN(std::string text, element.AsString());
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::vector<YamlNode::Entry>> YamlNode::AsEntries() const {
  std::vector<Entry> entries;
  if (is_null()) return entries;
  if (kind() != Kind::kMap) return Expected("a mapping");
  const std::vector<uint32_t>& children = item().children;
  for (size_t i = 0; i + 1 < children.size(); i += 2) {
    entries.emplace_back(At(children[i]), At(children[i + 1]));
  }
  return entries;
}

Result<std::vector<std::pair<std::string, std::string>>> YamlNode::AsStringMap() const {
  std::vector<std::pair<std::string, std::string>> pairs;
  ASSIGN_OR_RETURN(const std::vector<Entry> entries, AsEntries());
  for (const auto& [key, value] : entries) {
    ASSIGN_OR_RETURN(std::string text, value.AsString());
    pairs.emplace_back(key.text(), std::move(text));
  }
  return pairs;
}

}  // namespace tocsin
