#include "exporters/redis/resp_reader.h"

#include <hiredis/hiredis.h>

#include <utility>

namespace tocsin {
namespace {

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

}  // namespace

struct RespReader::Parser {
  explicit Parser(RespLimits the_limits)
      : limits(the_limits), reader(redisReaderCreateWithFunctions(&functions)) {
    if (reader != nullptr) reader->privdata = this;
  }

  // Where the object of `task` belongs: an element of the array that is being read, or the reply
  // itself. Null, which makes hiredis give up, when there are too many. Elements come in their
  // order, and an array gets its next element only when the one before is complete: pointers that
  // hiredis holds stay valid.
  static RedisReply* Place(const redisReadTask* task, RedisReply::Kind kind) {
    Parser& parser = *static_cast<Parser*>(task->privdata);
    RedisReply* place = &parser.reply;
    if (task->parent == nullptr) {
      parser.reply = {};
      parser.elements = 0;
    } else {
      if (++parser.elements > parser.limits.max_elements) {
        parser.too_many = true;
        return nullptr;
      }
      place = &static_cast<RedisReply*>(task->parent->obj)->elements.emplace_back();
    }
    place->kind = kind;
    return place;
  }
  static void* CreateString(const redisReadTask* task, char* text, size_t size) {
    RedisReply* place = Place(
        task, task->type == REDIS_REPLY_ERROR ? RedisReply::Kind::kError : RedisReply::Kind::kText);
    if (place != nullptr) place->text.assign(text, size);
    return place;
  }
  static void* CreateArray(const redisReadTask* task, int /*elements*/) {
    return Place(task, RedisReply::Kind::kArray);
  }
  static void* CreateInteger(const redisReadTask* task, long long value) {
    RedisReply* place = Place(task, RedisReply::Kind::kInteger);
    if (place != nullptr) place->integer = value;
    return place;
  }
  static void* CreateNil(const redisReadTask* task) { return Place(task, RedisReply::Kind::kNil); }
  static void Free(void* /*object*/) {}

  static redisReplyObjectFunctions functions;

  const RespLimits limits;
  const std::unique_ptr<redisReader, FreeReader> reader;
  RedisReply reply;
  size_t elements = 0;
  size_t bytes = 0;  // since the last reply
  bool too_many = false;
};

redisReplyObjectFunctions RespReader::Parser::functions = {
    &Parser::CreateString, &Parser::CreateArray, &Parser::CreateInteger, &Parser::CreateNil,
    &Parser::Free};

RespReader::RespReader(RespLimits limits) : parser_(std::make_unique<Parser>(limits)) {}

RespReader::~RespReader() = default;

Status RespReader::Feed(std::string_view bytes) {
  if (parser_->reader == nullptr) return InternalError("out of memory");
  parser_->bytes += bytes.size();
  if (parser_->bytes > parser_->limits.max_bytes) {
    return InvalidArgument("the reply is longer than " +
                           std::to_string(parser_->limits.max_bytes >> 20) + " MiB");
  }
  if (redisReaderFeed(parser_->reader.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    return InvalidArgument(redisReaderGetError(parser_->reader.get()));
  }
  return Ok();
}

Result<std::optional<RedisReply>> RespReader::Next() {
  if (parser_->reader == nullptr) return InternalError("out of memory");
  void* complete = nullptr;
  if (redisReaderGetReply(parser_->reader.get(), &complete) != REDIS_OK) {
    if (parser_->too_many) return InvalidArgument("the reply has too many elements");
    return InvalidArgument(redisReaderGetError(parser_->reader.get()));
  }
  if (complete == nullptr) return std::optional<RedisReply>();
  parser_->bytes = 0;
  return std::optional<RedisReply>(std::exchange(parser_->reply, {}));
}

std::string RespCommand(const std::vector<std::string>& command) {
  std::string text = "*" + std::to_string(command.size()) + "\r\n";
  for (const std::string& part : command) {
    text.append("$").append(std::to_string(part.size())).append("\r\n").append(part).append("\r\n");
  }
  return text;
}

}  // namespace tocsin
