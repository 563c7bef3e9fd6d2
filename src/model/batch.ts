// WriteBatch: rows on their way in, columnar, in one byte form. The same bytes are the record in the log, the
// message between threads and the message in a cluster.
//
// All numbers little-endian; every section starts at a multiple of 8 from the start of the batch, padded with
// zeros; offsets count bytes from the start of the thing named.
//
//   batch   0 u32 magic "SWB1"       4 u32 size of the whole batch in bytes (multiple of 8)
//           8 u32 table count       12 u32 row count over all tables
//          16 i64 smallest time     24 i64 largest time (ns; both 0 when there are no rows)
//          32 u16 database length   34 u16 retention policy length   36 u32 zero
//          40 database name, retention policy name (UTF-8), padding
//          .. tables, one after the other
//
//   table   a measurement's rows
//           0 u32 size of the table in bytes (multiple of 8)
//           4 u32 row count          8 u32 series count
//          12 u32 field count       16 u32 measurement name length    20 u32 zero
//          24 measurement name (raw bytes, unescaped), padding
//          .. series directory: series count x { u64 hash; u32 key offset from the table; u32 key length }
//          .. field directory:  field count x { u32 name offset from the table; u32 name length;
//                 u32 type (FieldType); u32 value count; u32 presence offset (0 = every row has a value);
//                 u32 values offset; u32 heap offset (strings, else 0); u32 heap length }
//          .. series keys and field names (raw bytes), padding
//          .. row series: row count x u32, an index into the series directory, padding
//          .. row times:  row count x i64, ns
//          .. columns, in the order of the field directory:
//                 presence: bitmap, bit r (byte r/8, bit r%8) set = row r has a value; padding
//                 values:   value count values packed in row order (rows without one take no room):
//                           float f64, integer i64, unsigned u64, boolean u8 (0/1), string u32 x (count + 1)
//                           offsets into the heap; padding
//                 heap:     the bytes of the strings, unescaped, end to end; padding
//
// A series key is canonical: measurement (`,` and space escaped by `\`), then `,key=value` for each tag, sorted
// by the bytes of the unescaped key (`,`, `=` and space escaped). Its hash is xxHash64, seed 0, of those bytes. Rows stand
// in arrival order; the same series and time may occur again: later wins, field by field. A field name may
// occur once per type in a table (a batch that came from a client before its types were unified) but a row
// never has a value in two of them.

export const BATCH_MAGIC = 0x31425753; // "SWB1" read as a little-endian u32
export const BATCH_HEADER_BYTES = 40;
export const TABLE_HEADER_BYTES = 24;
export const SERIES_ENTRY_BYTES = 16;
export const FIELD_ENTRY_BYTES = 32;
