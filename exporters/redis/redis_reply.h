// What a Redis answers.
#pragma once

#include <string>
#include <vector>

namespace tocsin {

struct RedisReply {
  enum class Kind { kText, kInteger, kNil, kArray, kError };
  Kind kind = Kind::kNil;
  std::string text;
  long long integer = 0;
  std::vector<RedisReply> elements;
};

}  // namespace tocsin
