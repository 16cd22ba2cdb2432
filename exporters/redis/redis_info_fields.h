// Fields of INFO whose value is a number (or a state: ok, up, yes), and the family of each; by the
// section of INFO that has them in Redis 7. redis_exporter's names.
//
// Source: https://redis.io/docs/latest/commands/info/
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "exporters/collector.h"

namespace tocsin {

struct RedisInfoField {
  std::string_view field;
  FamilySpec family;
};

// --- rows --------------------------------------------------------------------------------------

// A text that may be an argument of a template.
template <size_t N>
struct FixedText {
  // NOLINTNEXTLINE(google-explicit-constructor): from a literal
  consteval FixedText(const char (&text)[N]) { std::ranges::copy(text, characters); }
  constexpr std::string_view view() const { return {characters, N - 1}; }

  char characters[N] = {};
};

// "INFO field used_memory."
template <FixedText kField>
struct InfoHelp {
  static constexpr std::string_view kBegin = "INFO field ";
  static constexpr auto kCharacters = [] {
    std::array<char, kBegin.size() + kField.view().size() + 1> text{};
    const auto end = std::ranges::copy(kBegin, text.begin()).out;
    *std::ranges::copy(kField.view(), end).out = '.';
    return text;
  }();
  static constexpr std::string_view kText{kCharacters.data(), kCharacters.size()};
};

template <FixedText kField>
consteval RedisInfoField InfoRow(std::string_view family, MetricType type) {
  // The field's own text must outlive the row: it is a part of the help.
  constexpr std::string_view kFieldText =
      InfoHelp<kField>::kText.substr(InfoHelp<kField>::kBegin.size(), kField.view().size());
  return {kFieldText,
          {.name = family, .type = type, .help = InfoHelp<kField>::kText, .source = "INFO"}};
}
template <FixedText kField>
consteval RedisInfoField InfoGauge(std::string_view family) {
  return InfoRow<kField>(family, MetricType::kGauge);
}
template <FixedText kField>
consteval RedisInfoField InfoCounter(std::string_view family) {
  return InfoRow<kField>(family, MetricType::kCounter);
}

// --- sections ----------------------------------------------------------------------------------

inline constexpr RedisInfoField kRedisServerFields[] = {
    InfoGauge<"configured_hz">("redis_configured_hz"),
    InfoGauge<"hz">("redis_hz"),
    InfoGauge<"io_threads_active">("redis_io_threads_active"),
    InfoGauge<"process_id">("redis_process_id"),
    InfoGauge<"uptime_in_seconds">("redis_uptime_in_seconds"),
};

inline constexpr RedisInfoField kRedisClientsFields[] = {
    InfoGauge<"blocked_clients">("redis_blocked_clients"),
    InfoGauge<"client_biggest_input_buf">("redis_client_biggest_input_buf"),
    InfoGauge<"client_longest_output_list">("redis_client_longest_output_list"),
    InfoGauge<"client_recent_max_input_buffer">("redis_client_recent_max_input_buffer_bytes"),
    InfoGauge<"client_recent_max_output_buffer">("redis_client_recent_max_output_buffer_bytes"),
    InfoGauge<"clients_in_timeout_table">("redis_clients_in_timeout_table"),
    InfoGauge<"connected_clients">("redis_connected_clients"),
    InfoGauge<"maxclients">("redis_max_clients"),
    InfoGauge<"pubsub_clients">("redis_pubsub_clients"),
    InfoGauge<"total_blocking_keys">("redis_total_blocking_keys"),
    InfoGauge<"total_blocking_keys_on_nokey">("redis_total_blocking_keys_on_nokey"),
    InfoGauge<"total_watched_keys">("redis_total_watched_keys"),
    InfoGauge<"tracking_clients">("redis_tracking_clients"),
    InfoGauge<"watching_clients">("redis_watching_clients"),
};

inline constexpr RedisInfoField kRedisMemoryFields[] = {
    InfoGauge<"active_defrag_running">("redis_active_defrag_running"),
    InfoGauge<"allocator_active">("redis_allocator_active_bytes"),
    InfoGauge<"allocator_allocated">("redis_allocator_allocated_bytes"),
    InfoGauge<"allocator_frag_bytes">("redis_allocator_frag_bytes"),
    InfoGauge<"allocator_frag_ratio">("redis_allocator_frag_ratio"),
    InfoGauge<"allocator_muzzy">("redis_allocator_muzzy_bytes"),
    InfoGauge<"allocator_resident">("redis_allocator_resident_bytes"),
    InfoGauge<"allocator_rss_bytes">("redis_allocator_rss_bytes"),
    InfoGauge<"allocator_rss_ratio">("redis_allocator_rss_ratio"),
    InfoGauge<"lazyfree_pending_objects">("redis_lazyfree_pending_objects"),
    InfoGauge<"lazyfreed_objects">("redis_lazyfreed_objects"),
    InfoGauge<"maxmemory">("redis_memory_max_bytes"),
    InfoGauge<"mem_aof_buffer">("redis_mem_aof_buffer_bytes"),
    InfoGauge<"mem_clients_normal">("redis_mem_clients_normal"),
    InfoGauge<"mem_clients_slaves">("redis_mem_clients_slaves"),
    InfoGauge<"mem_cluster_links">("redis_mem_cluster_links_bytes"),
    InfoGauge<"mem_fragmentation_bytes">("redis_mem_fragmentation_bytes"),
    InfoGauge<"mem_fragmentation_ratio">("redis_mem_fragmentation_ratio"),
    InfoGauge<"mem_not_counted_for_evict">("redis_mem_not_counted_for_eviction_bytes"),
    InfoGauge<"mem_overhead_db_hashtable_rehashing">(
        "redis_mem_overhead_db_hashtable_rehashing_bytes"),
    InfoGauge<"mem_replication_backlog">("redis_mem_replication_backlog_bytes"),
    InfoGauge<"mem_total_replication_buffers">("redis_mem_total_replication_buffers_bytes"),
    InfoGauge<"number_of_cached_scripts">("redis_number_of_cached_scripts"),
    InfoGauge<"number_of_functions">("redis_number_of_functions"),
    InfoGauge<"number_of_libraries">("redis_number_of_libraries"),
    InfoGauge<"total_system_memory">("redis_total_system_memory_bytes"),
    InfoGauge<"used_memory">("redis_memory_used_bytes"),
    InfoGauge<"used_memory_dataset">("redis_memory_used_dataset_bytes"),
    InfoGauge<"used_memory_functions">("redis_memory_used_functions_bytes"),
    InfoGauge<"used_memory_lua">("redis_memory_used_lua_bytes"),
    InfoGauge<"used_memory_overhead">("redis_memory_used_overhead_bytes"),
    InfoGauge<"used_memory_peak">("redis_memory_used_peak_bytes"),
    InfoGauge<"used_memory_rss">("redis_memory_used_rss_bytes"),
    InfoGauge<"used_memory_scripts">("redis_memory_used_scripts_bytes"),
    InfoGauge<"used_memory_scripts_eval">("redis_memory_used_scripts_eval_bytes"),
    InfoGauge<"used_memory_startup">("redis_memory_used_startup_bytes"),
    InfoGauge<"used_memory_vm_eval">("redis_memory_used_vm_eval_bytes"),
    InfoGauge<"used_memory_vm_functions">("redis_memory_used_vm_functions_bytes"),
    InfoGauge<"used_memory_vm_total">("redis_memory_used_vm_total"),
};

inline constexpr RedisInfoField kRedisPersistenceFields[] = {
    InfoGauge<"aof_base_size">("redis_aof_base_size_bytes"),
    InfoGauge<"aof_buffer_length">("redis_aof_buffer_length"),
    InfoGauge<"aof_current_rewrite_time_sec">("redis_aof_current_rewrite_duration_sec"),
    InfoGauge<"aof_current_size">("redis_aof_current_size_bytes"),
    InfoGauge<"aof_delayed_fsync">("redis_aof_delayed_fsync"),
    InfoGauge<"aof_enabled">("redis_aof_enabled"),
    InfoGauge<"aof_last_bgrewrite_status">("redis_aof_last_bgrewrite_status"),
    InfoGauge<"aof_last_cow_size">("redis_aof_last_cow_size_bytes"),
    InfoGauge<"aof_last_rewrite_time_sec">("redis_aof_last_rewrite_duration_sec"),
    InfoGauge<"aof_last_write_status">("redis_aof_last_write_status"),
    InfoGauge<"aof_pending_bio_fsync">("redis_aof_pending_bio_fsync"),
    InfoGauge<"aof_pending_rewrite">("redis_aof_pending_rewrite"),
    InfoGauge<"aof_rewrite_buffer_length">("redis_aof_rewrite_buffer_length"),
    InfoGauge<"aof_rewrite_in_progress">("redis_aof_rewrite_in_progress"),
    InfoGauge<"aof_rewrite_scheduled">("redis_aof_rewrite_scheduled"),
    InfoGauge<"async_loading">("redis_async_loading"),
    InfoGauge<"loading">("redis_loading_dump_file"),
    InfoGauge<"module_fork_in_progress">("redis_module_fork_in_progress"),
    InfoGauge<"module_fork_last_cow_size">("redis_module_fork_last_cow_size"),
    InfoGauge<"rdb_bgsave_in_progress">("redis_rdb_bgsave_in_progress"),
    InfoGauge<"rdb_changes_since_last_save">("redis_rdb_changes_since_last_save"),
    InfoGauge<"rdb_current_bgsave_time_sec">("redis_rdb_current_bgsave_duration_sec"),
    InfoGauge<"rdb_last_bgsave_status">("redis_rdb_last_bgsave_status"),
    InfoGauge<"rdb_last_bgsave_time_sec">("redis_rdb_last_bgsave_duration_sec"),
    InfoGauge<"rdb_last_cow_size">("redis_rdb_last_cow_size_bytes"),
    InfoGauge<"rdb_last_load_keys_expired">("redis_rdb_last_load_expired_keys"),
    InfoGauge<"rdb_last_load_keys_loaded">("redis_rdb_last_load_loaded_keys"),
    InfoGauge<"rdb_last_save_time">("redis_rdb_last_save_timestamp_seconds"),
    InfoGauge<"rdb_saves">("redis_rdb_saves_total"),
};

inline constexpr RedisInfoField kRedisStatsFields[] = {
    InfoCounter<"acl_access_denied_auth">("redis_acl_access_denied_auth_total"),
    InfoCounter<"acl_access_denied_channel">("redis_acl_access_denied_channel_total"),
    InfoCounter<"acl_access_denied_cmd">("redis_acl_access_denied_cmd_total"),
    InfoCounter<"acl_access_denied_key">("redis_acl_access_denied_key_total"),
    InfoGauge<"active_defrag_hits">("redis_defrag_hits"),
    InfoGauge<"active_defrag_key_hits">("redis_defrag_key_hits"),
    InfoGauge<"active_defrag_key_misses">("redis_defrag_key_misses"),
    InfoGauge<"active_defrag_misses">("redis_defrag_misses"),
    InfoCounter<"client_output_buffer_limit_disconnections">(
        "redis_client_output_buffer_limit_disconnections_total"),
    InfoCounter<"client_query_buffer_limit_disconnections">(
        "redis_client_query_buffer_limit_disconnections_total"),
    InfoGauge<"current_eviction_exceeded_time">("redis_current_eviction_exceeded_time_ms"),
    InfoCounter<"dump_payload_sanitizations">("redis_dump_payload_sanitizations"),
    InfoCounter<"eventloop_cycles">("redis_eventloop_cycles_total"),
    InfoCounter<"eventloop_duration_cmd_sum">("redis_eventloop_duration_cmd_sum_usec_total"),
    InfoCounter<"eventloop_duration_sum">("redis_eventloop_duration_sum_usec_total"),
    InfoCounter<"evicted_clients">("redis_evicted_clients_total"),
    InfoCounter<"evicted_keys">("redis_evicted_keys_total"),
    InfoCounter<"evicted_scripts">("redis_evicted_scripts_total"),
    InfoCounter<"expire_cycle_cpu_milliseconds">("redis_expire_cycle_cpu_time_ms_total"),
    InfoCounter<"expired_keys">("redis_expired_keys_total"),
    InfoGauge<"expired_stale_perc">("redis_expired_stale_percentage"),
    InfoCounter<"expired_subkeys">("redis_expired_subkeys_total"),
    InfoCounter<"expired_time_cap_reached_count">("redis_expired_time_cap_reached_total"),
    InfoGauge<"instantaneous_eventloop_cycles_per_sec">(
        "redis_instantaneous_eventloop_cycles_per_sec"),
    InfoGauge<"instantaneous_eventloop_duration_usec">(
        "redis_instantaneous_eventloop_duration_usec"),
    InfoCounter<"io_threaded_reads_processed">("redis_io_threaded_reads_processed"),
    InfoCounter<"io_threaded_writes_processed">("redis_io_threaded_writes_processed"),
    InfoCounter<"keyspace_hits">("redis_keyspace_hits_total"),
    InfoCounter<"keyspace_misses">("redis_keyspace_misses_total"),
    InfoGauge<"latest_fork_usec">("redis_latest_fork_usec"),
    InfoGauge<"migrate_cached_sockets">("redis_migrate_cached_sockets_total"),
    InfoGauge<"pubsub_channels">("redis_pubsub_channels"),
    InfoGauge<"pubsub_patterns">("redis_pubsub_patterns"),
    InfoGauge<"pubsubshard_channels">("redis_pubsubshard_channels"),
    InfoCounter<"rejected_connections">("redis_rejected_connections_total"),
    InfoCounter<"reply_buffer_expands">("redis_reply_buffer_expands_total"),
    InfoCounter<"reply_buffer_shrinks">("redis_reply_buffer_shrinks_total"),
    InfoGauge<"slave_expires_tracked_keys">("redis_slave_expires_tracked_keys"),
    InfoGauge<"sync_full">("redis_replica_resyncs_full"),
    InfoGauge<"sync_partial_err">("redis_replica_partial_resync_denied"),
    InfoGauge<"sync_partial_ok">("redis_replica_partial_resync_accepted"),
    InfoCounter<"total_commands_processed">("redis_commands_processed_total"),
    InfoCounter<"total_connections_received">("redis_connections_received_total"),
    InfoCounter<"total_error_replies">("redis_total_error_replies"),
    InfoCounter<"total_eviction_exceeded_time">("redis_eviction_exceeded_time_ms_total"),
    InfoCounter<"total_net_input_bytes">("redis_net_input_bytes_total"),
    InfoCounter<"total_net_output_bytes">("redis_net_output_bytes_total"),
    InfoCounter<"total_net_repl_input_bytes">("redis_net_repl_input_bytes_total"),
    InfoCounter<"total_net_repl_output_bytes">("redis_net_repl_output_bytes_total"),
    InfoCounter<"total_reads_processed">("redis_total_reads_processed"),
    InfoCounter<"total_writes_processed">("redis_total_writes_processed"),
    InfoGauge<"tracking_total_items">("redis_tracking_total_items"),
    InfoGauge<"tracking_total_keys">("redis_tracking_total_keys"),
    InfoGauge<"tracking_total_prefixes">("redis_tracking_total_prefixes"),
    InfoCounter<"unexpected_error_replies">("redis_unexpected_error_replies"),
    InfoCounter<"used_active_time_main_thread">("redis_active_time_main_thread_seconds_total"),
};

inline constexpr RedisInfoField kRedisReplicationFields[] = {
    InfoGauge<"connected_slaves">("redis_connected_slaves"),
    InfoGauge<"master_repl_offset">("redis_master_repl_offset"),
    InfoGauge<"repl_backlog_active">("redis_repl_backlog_is_active"),
    InfoGauge<"repl_backlog_first_byte_offset">("redis_repl_backlog_first_byte_offset"),
    InfoGauge<"repl_backlog_histlen">("redis_repl_backlog_history_bytes"),
    InfoGauge<"repl_backlog_size">("redis_replication_backlog_bytes"),
    InfoGauge<"second_repl_offset">("redis_second_repl_offset"),
    InfoGauge<"slave_priority">("redis_slave_priority"),
};

inline constexpr RedisInfoField kRedisCPUFields[] = {
    InfoCounter<"used_cpu_sys">("redis_cpu_sys_seconds_total"),
    InfoCounter<"used_cpu_sys_children">("redis_cpu_sys_children_seconds_total"),
    InfoCounter<"used_cpu_sys_main_thread">("redis_cpu_sys_main_thread_seconds_total"),
    InfoCounter<"used_cpu_user">("redis_cpu_user_seconds_total"),
    InfoCounter<"used_cpu_user_children">("redis_cpu_user_children_seconds_total"),
    InfoCounter<"used_cpu_user_main_thread">("redis_cpu_user_main_thread_seconds_total"),
};

// The section of INFO, and CLUSTER INFO.
inline constexpr RedisInfoField kRedisClusterFields[] = {
    InfoGauge<"cluster_connections">("redis_cluster_connections"),
    {"cluster_current_epoch",
     {.name = "redis_cluster_current_epoch",
      .type = MetricType::kGauge,
      .help = "The cluster's epoch.",
      .source = "CLUSTER INFO"}},
    InfoGauge<"cluster_enabled">("redis_cluster_enabled"),
    {"cluster_known_nodes",
     {.name = "redis_cluster_known_nodes",
      .type = MetricType::kGauge,
      .help = "Nodes that are known, also those that are not reached.",
      .source = "CLUSTER INFO"}},
    {"cluster_my_epoch",
     {.name = "redis_cluster_my_epoch",
      .type = MetricType::kGauge,
      .help = "This node's epoch.",
      .source = "CLUSTER INFO"}},
    {"cluster_size",
     {.name = "redis_cluster_size",
      .type = MetricType::kGauge,
      .help = "Masters that serve slots.",
      .source = "CLUSTER INFO"}},
    {"cluster_slots_assigned",
     {.name = "redis_cluster_slots_assigned",
      .type = MetricType::kGauge,
      .help = "Slots that have a node.",
      .source = "CLUSTER INFO"}},
    {"cluster_slots_fail",
     {.name = "redis_cluster_slots_fail",
      .type = MetricType::kGauge,
      .help = "Slots whose node the cluster gave up.",
      .source = "CLUSTER INFO"}},
    {"cluster_slots_ok",
     {.name = "redis_cluster_slots_ok",
      .type = MetricType::kGauge,
      .help = "Slots whose node is well.",
      .source = "CLUSTER INFO"}},
    {"cluster_slots_pfail",
     {.name = "redis_cluster_slots_pfail",
      .type = MetricType::kGauge,
      .help = "Slots whose node this node cannot reach.",
      .source = "CLUSTER INFO"}},
    {"cluster_state",
     {.name = "redis_cluster_state",
      .type = MetricType::kGauge,
      .help = "Whether the cluster takes commands.",
      .source = "CLUSTER INFO"}},
    InfoGauge<"cluster_stats_messages_received">("redis_cluster_messages_received_total"),
    InfoGauge<"cluster_stats_messages_sent">("redis_cluster_messages_sent_total"),
};

// Of a sentinel.
inline constexpr RedisInfoField kRedisSentinelFields[] = {
    {"sentinel_masters",
     {.name = "redis_sentinel_masters",
      .type = MetricType::kGauge,
      .help = "Masters that this sentinel watches.",
      .source = "INFO sentinel"}},
    {"sentinel_running_scripts",
     {.name = "redis_sentinel_running_scripts",
      .type = MetricType::kGauge,
      .help = "Scripts that run.",
      .source = "INFO sentinel"}},
    {"sentinel_scripts_queue_length",
     {.name = "redis_sentinel_scripts_queue_length",
      .type = MetricType::kGauge,
      .help = "Scripts that wait.",
      .source = "INFO sentinel"}},
    {"sentinel_simulate_failure_flags",
     {.name = "redis_sentinel_simulate_failure_flags",
      .type = MetricType::kGauge,
      .help = "Failures that are simulated.",
      .source = "INFO sentinel"}},
    {"sentinel_tilt",
     {.name = "redis_sentinel_tilt",
      .type = MetricType::kGauge,
      .help = "Whether the sentinel has stopped acting because its clock jumped.",
      .source = "INFO sentinel"}},
};

// KeyDB, a fork.
inline constexpr RedisInfoField kRedisKeyDBFields[] = {
    InfoCounter<"cached_keys">("redis_cached_keys_total"),
    InfoGauge<"current_client_thread">("redis_current_client_thread"),
    InfoGauge<"long_lock_waits">("redis_long_lock_waits_total"),
    InfoGauge<"server_threads">("redis_server_threads_total"),
    InfoCounter<"storage_provider_read_hits">("redis_storage_provider_read_hits"),
    InfoCounter<"storage_provider_read_misses">("redis_storage_provider_read_misses"),
};

// Modules for Bloom filters and JSON.
inline constexpr RedisInfoField kRedisModulesFields[] = {
    InfoGauge<"bf_bloom_capacity_across_objects">("redis_bf_bloom_capacity_across_objects"),
    InfoCounter<"bf_bloom_defrag_hits">("redis_bf_bloom_defrag_hits_total"),
    InfoCounter<"bf_bloom_defrag_misses">("redis_bf_bloom_defrag_misses_total"),
    InfoGauge<"bf_bloom_num_filters_across_objects">("redis_bf_bloom_num_filters_across_objects"),
    InfoGauge<"bf_bloom_num_items_across_objects">("redis_bf_bloom_num_items_across_objects"),
    InfoGauge<"bf_bloom_num_objects">("redis_bf_bloom_num_objects"),
    InfoGauge<"bf_bloom_total_memory_bytes">("redis_bf_bloom_total_memory_bytes"),
    InfoGauge<"json_num_documents">("redis_json_num_documents"),
    InfoGauge<"json_total_memory_bytes">("redis_json_total_memory_bytes"),
};

}  // namespace tocsin
