// Errors are values: Result<T> is a T or an Error, Status is success or an Error.
//
// Messages are lower case and say what failed, with which value, and where
// (file:line:column or target name). A result must be looked at: both classes
// are [[nodiscard]].
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace tocsin {

enum class ErrorCode {
  kInvalidArgument,    // the caller's input is wrong: a broken file, expression or parameter
  kNotFound,           // what was asked for does not exist
  kTimeout,            // a deadline passed
  kCanceled,           // the caller gave up
  kUnavailable,        // a peer or a resource cannot be reached now; trying again may help
  kResourceExhausted,  // a limit was reached
  kPermissionDenied,   // the peer refuses these credentials
  kExecution,          // valid input whose evaluation fails (PromQL execution errors)
  kInternal,           // a defect of tocsin
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

inline Error InvalidArgument(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message)};
}
inline Error NotFound(std::string message) { return {ErrorCode::kNotFound, std::move(message)}; }
inline Error TimedOut(std::string message) { return {ErrorCode::kTimeout, std::move(message)}; }
inline Error Canceled(std::string message) { return {ErrorCode::kCanceled, std::move(message)}; }
inline Error Unavailable(std::string message) {
  return {ErrorCode::kUnavailable, std::move(message)};
}
inline Error ResourceExhausted(std::string message) {
  return {ErrorCode::kResourceExhausted, std::move(message)};
}
inline Error PermissionDenied(std::string message) {
  return {ErrorCode::kPermissionDenied, std::move(message)};
}
inline Error ExecutionError(std::string message) {
  return {ErrorCode::kExecution, std::move(message)};
}
inline Error InternalError(std::string message) {
  return {ErrorCode::kInternal, std::move(message)};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value)
      : state_(std::move(value)) {}  // NOLINT(google-explicit-constructor): return value;
  Result(Error error)
      : state_(tl::unexpect, std::move(error)) {
  }  // NOLINT(google-explicit-constructor): return InvalidArgument(…);

  bool ok() const { return state_.has_value(); }
  explicit operator bool() const { return ok(); }

  // Only when ok().
  T& operator*() & { return *state_; }
  const T& operator*() const& { return *state_; }
  T&& operator*() && { return *std::move(state_); }
  T* operator->() { return state_.operator->(); }
  const T* operator->() const { return state_.operator->(); }

  // Only when !ok().
  const Error& error() const& { return state_.error(); }
  Error&& error() && { return std::move(state_).error(); }

 private:
  tl::expected<T, Error> state_;
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error)
      : state_(tl::unexpect, std::move(error)) {
  }  // NOLINT(google-explicit-constructor): return InvalidArgument(…);

  bool ok() const { return state_.has_value(); }
  explicit operator bool() const { return ok(); }

  // Only when !ok().
  const Error& error() const& { return state_.error(); }

 private:
  tl::expected<void, Error> state_;
};

inline Status Ok() { return {}; }

// The same error with a place or a subject in front: "alert_rules.yml:12:9: " + message.
inline Error Prefixed(std::string_view prefix, Error error) {
  error.message.insert(0, prefix);
  return error;
}

#define TOCSIN_CONCAT_INNER_(a, b) a##b
#define TOCSIN_CONCAT_(a, b) TOCSIN_CONCAT_INNER_(a, b)

// ASSIGN_OR_RETURN(auto file, Open(path)); — declares or assigns, or returns the error.
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_IMPL_(TOCSIN_CONCAT_(result_, __LINE__), target, expression)
#define ASSIGN_OR_RETURN_IMPL_(name, target, expression) \
  auto name = (expression);                              \
  if (!name.ok()) return std::move(name).error();        \
  target = *std::move(name)

#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (auto status_ = (expression); !status_.ok()) return status_.error(); \
  } while (false)

}  // namespace tocsin
