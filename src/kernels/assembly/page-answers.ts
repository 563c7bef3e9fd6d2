// Why a page was not decoded. (0 and 1 are the answers of success; codec/page-error.ts has the words.)

export const CORRUPT: i32 = -1;
export const OTHER_TYPE: i32 = -2;
export const OTHER_ROWS: i32 = -3;
export const CORRUPT_STATS: i32 = -4;
