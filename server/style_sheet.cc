#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

constexpr std::string_view kStyle = R"css(:root {
  --paper: #ffffff; --ink: #1c2024; --soft: #5b6470; --line: #d6dbe1; --link: #0b5cad;
  --ok: #1a6b34; --warn: #8a5300; --bad: #b3201f; --tint: #f4f6f8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e6e9ec; --soft: #a0a9b4; --line: #343b43; --link: #7ab8ff;
    --ok: #67c987; --warn: #e8b04a; --bad: #ff8580; --tint: #1d2125;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: baseline;
  border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; font-size: 1.2rem; margin: .6rem 0; }
.brand a { color: inherit; text-decoration: none; }
nav a { margin-right: 1rem; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .3rem; }
h1 { font-size: 1.4rem; margin: 1rem 0 .5rem; }
h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: var(--soft); padding: .2rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
code { font: .88em ui-monospace, monospace; }
.state { font-weight: 600; white-space: nowrap; }
.firing, .down, .err { color: var(--bad); }
.pending, .unknown { color: var(--warn); }
.inactive, .up, .ok { color: var(--ok); }
.note { color: var(--soft); margin: .15rem 0; }
.problem { color: var(--bad); margin: .15rem 0; }
.summary { display: flex; flex-wrap: wrap; gap: .4rem 2rem; padding: .6rem .8rem;
  background: var(--tint); border: 1px solid var(--line); border-radius: 6px; }
.summary p { margin: 0; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; }
label { display: block; color: var(--soft); }
.grow { flex: 1 1 24rem; }
input { width: 100%; font: .95rem ui-monospace, monospace; padding: .45rem; color: inherit;
  background: var(--tint); border: 1px solid var(--soft); border-radius: 4px; }
button { font: inherit; padding: .4rem 1rem; }
footer { color: var(--soft); font-size: .85rem; margin-top: 2rem; }
)css";

}  // namespace

HttpServerResponse HandleStyleSheet(const ProcessView& /*view*/,
                                    const HttpServerRequest& /*request*/) {
  HttpServerResponse response;
  response.content_type = "text/css; charset=utf-8";
  response.headers = {{"Cache-Control", "max-age=3600"}};
  response.body = kStyle;
  return response;
}

}  // namespace tocsin::server
