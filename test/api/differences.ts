// Where serie's HTTP interface answers otherwise than InfluxDB's, on purpose. Each is proved by cases of the tests beside this file,
// which fail when a difference is none any more; docs/http-differences.md is this table.

export interface HttpDifference {
  /** What is sent. */
  readonly title: string;
  readonly influxd: string;
  readonly serie: string;
  readonly why: string;
}

const table = {
  // ---- requests --------------------------------------------------------------------------------------------
  jsonErrors: {
    title: "unknown paths and methods",
    influxd: "`404 page not found`, `Method Not Allowed`, as text",
    serie: "404 and 405 as JSON that says what is allowed, with the headers of every answer",
    why: "Telegraf retries for ever after an error that is no JSON",
  },
  options: {
    title: "OPTIONS",
    influxd: "200",
    serie: "204",
    why: "there is nothing to say but the headers",
  },
  of18: {
    title: "`/health`, `/ping?verbose=true`, `Authorization: Token user:password`",
    influxd: "has them since 1.8",
    serie: "has them",
    why: "as InfluxDB 1.8",
  },
  debugRoutes: {
    title: "`/debug/pprof`, `/debug/requests`, `/api/v1/prom/read` and `write`",
    influxd: "has them",
    serie: "404",
    why: "they tell of a Go program, or speak another protocol; Prometheus reads `/metrics`",
  },
  microseconds: {
    title: "`epoch=us`, `epoch=µ`, `precision=us`, `precision=µ`",
    influxd: "takes them for nanoseconds",
    serie: "takes them for microseconds",
    why: "as documented, and as InfluxDB 1.8",
  },
  unknownPrecision: {
    title: "`precision=x`",
    influxd: "takes it for nanoseconds",
    serie: '400 `invalid precision "x" (use n, u, ms, s, m or h)`',
    why: "in the words of InfluxDB 1.8; a wrong unit is a wrong time for every point",
  },
  smallAnswers: {
    title: "`Accept-Encoding: gzip`",
    influxd: "compresses every answer to a query, also of a few bytes",
    serie: "compresses those of 4 KiB and more, and says so to caches (`Vary`)",
    why: "a small answer is not sooner there",
  },
  unknownEncoding: {
    title: "`Content-Encoding` other than gzip",
    influxd: "takes the bytes for lines",
    serie: '400 `unsupported Content-Encoding "br": use gzip or none`',
    why: "they cannot be read",
  },
  inflated: {
    title: "compressed bodies of more than `max-body-size`",
    influxd: "bounds the bytes that were sent, and inflates them to any size",
    serie: "bounds them as sent and as inflated: 413",
    why: "a few kilobytes must not take gigabytes of memory",
  },
  // ---- writes ----------------------------------------------------------------------------------------------
  createdByWrite: {
    title: "a write to an unknown database",
    influxd: '404 `database not found: "x"`',
    serie:
      "makes the database, unless `auto-create-database` is off; 400 where there can be none of that name",
    why: "one step less",
  },
  lineNumbers: {
    title: "points that are refused",
    influxd: "gives the reason, and for lines that cannot be read their text",
    serie: "says at which line, too: `... at line 3`",
    why: "it has to be found",
  },
  countsAll: {
    title: "`dropped=` of a partial write",
    influxd: "does not count lines that cannot be read; of two kinds of reasons it gives one",
    serie: "counts every point that is not stored, and gives each reason",
    why: "it is how many there are",
  },
  unified: {
    title: "integers for floats, and floats for integers",
    influxd: "`field type conflict`: the point is dropped",
    serie: "converts what can be converted exactly, also where both types come in one batch",
    why: "clients mix `1` and `1i`; no point is lost for its type",
  },
  twice: {
    title: "a field twice in a line, with values of two types (`m f=true,f=3`)",
    influxd: "`field type conflict`: the point is dropped",
    serie: "takes the last of them, as it does (and InfluxDB, too) of two of one type",
    why: "one rule; what is not kept decides nothing",
  },
  unsigned: {
    title: "unsigned integers (`f=1u`)",
    influxd: "refuses them, unless it is built to take them",
    serie: "stores them",
    why: "they are line protocol",
  },
  carriageReturns: {
    title: "lines that end with CRLF",
    influxd: 'refuses some of them, and stores `x"` for `f="x"`',
    serie: "takes them",
    why: "clients on Windows send them",
  },
  textBehindStrings: {
    title: '`m f="a"b`',
    influxd: 'stores `a"`',
    serie: "refuses the line",
    why: "it is no string",
  },
  longLines: {
    title: "long lines in messages",
    influxd: "repeats all of it",
    serie: "repeats the first 200 bytes",
    why: "the message goes into a header and logs",
  },
  // ---- queries ---------------------------------------------------------------------------------------------
  forms: {
    title: "forms in bodies without `Content-Type`, or compressed",
    influxd: "does not read them",
    serie: "reads them",
    why: "nothing else can be meant",
  },
  queryStrings: {
    title: "`;` and wrong escapes (`%zz`) in URLs and forms",
    influxd: "cuts or leaves out the parameter",
    serie: "takes them as they are",
    why: "statements are separated by `;`, and what was sent should be what is read",
  },
  largeRegexes: {
    title: "regular expressions that take seconds to compile or to match: 28 KB can",
    influxd: "takes them",
    serie:
      "400 `expression too large`, or the statement's error `the regular expression /.../ takes too long`",
    why: "a pattern must not keep the others waiting",
  },
  noMultipart: {
    title: "a body that is no multipart/form-data, and says it is",
    influxd: "leaves it out",
    serie: "400 with what is wrong",
    why: "what it asked for is not done",
  },
  accept: {
    title: "`Accept` with several types or parameters",
    influxd: "compares the whole header with its types, and answers JSON",
    serie: "takes the type with the highest `q`, of equals the first",
    why: "HTTP's own rules",
  },
  regexParameter: {
    title: '`params={"x":{"regex":1}}`',
    influxd: "takes its own message for a token that it did not expect",
    serie: "`missing parameter: regex literal must be a string value`",
    why: "as of every other type",
  },
  exponents: {
    title: '`params={"x":1e2}`',
    influxd: "its reader of integers trips over it",
    serie: "takes it",
    why: "it is a number in JSON",
  },
  textBehindParameters: {
    title: '`params={"x":1} y`',
    influxd: "stops reading at the end of the object",
    serie: "400",
    why: "it is no JSON",
  },
  booleanParameter: {
    title: '`params={"x":{"boolean":true}}`',
    influxd: "does not know the type",
    serie: "takes it",
    why: "every type can be named",
  },
  csvErrors: {
    title: "a failed statement in CSV",
    influxd: "answers nothing",
    serie: "a block with the header `error` and the message",
    why: "an error that is not said is taken for no data",
  },
  msgpackErrors: {
    title: "a failed statement in MessagePack",
    influxd: "a map of the `error` alone",
    serie: "with `statement_id` and `series`, as in JSON",
    why: "it says which statement failed",
  },
  inOrder: {
    title: "statements after one that fails",
    influxd: "`not executed` takes the place of the error, and a result is missing",
    serie: "each has its result: the error, then `not executed`",
    why: "the error must be seen, and every statement has its result",
  },
  warnings: {
    title: "INTO by GET",
    influxd: "warns with the statement in full names",
    serie: "warns with the statement as it was sent",
    why: "it is what was sent",
  },
  emptyStatement: {
    title: "an empty statement (`q=;`)",
    influxd: "`{}`",
    serie: "an empty result",
    why: "Grafana's parser fails on an empty list of results",
  },
  otherSites: {
    title:
      "requests of other sites' pages, or by another name than localhost, where nobody is asked who they are",
    influxd: "answers them",
    serie: "403, unless `--allow-open` is given",
    why: "a page that somebody visits must not write and read on this machine",
  },
  // ---- users -----------------------------------------------------------------------------------------------
  stricter: {
    title: "SHOW of another database in FROM or with CARDINALITY; CREATE CONTINUOUS QUERY without WRITE",
    influxd: "lets them pass",
    serie: "403",
    why: "no statement shows or writes to a database that its user may not",
  },
  noAdministrator: {
    title: "requests when there are users and no administrator is left",
    influxd: "403 `no user provided`, whoever asks",
    serie: "401 for nobody, what they may for users",
    why: "dashboards go on; nobody becomes administrator without having been one",
  },
  hiddenDatabases: {
    title: "a write to an unknown database by who may not write there",
    influxd: "404",
    serie: "403; an administrator's write makes it",
    why: "who may not write there does not hear whether the database is there",
  },
  tokens: {
    title: "`Authorization: Token xyz`, `Bearer xyz`",
    influxd: "is asked for a user, or reads a JWT",
    serie: "looks for a token of that text: 401 `authorization failed`",
    why: "serie has tokens",
  },
  closedRoutes: {
    title: "`/metrics`, `/debug/vars` with authentication on",
    influxd: "answers everybody",
    serie: "401 without a user",
    why: "they tell of the data",
  },
  unauthorizedHeader: {
    title: "the header `X-Influxdb-Error` of a 401",
    influxd: "leaves it out",
    serie: "has it",
    why: "every error has it",
  },
  subscriptionPasswords: {
    title: "passwords in the URLs of SHOW SUBSCRIPTIONS",
    influxd: "shows them",
    serie: "`http://user:xxxxx@host:8086`",
    why: "answers are logged and shown to others",
  },
} as const satisfies Record<string, HttpDifference>;

export const known: Readonly<Record<keyof typeof table, HttpDifference>> = table;
