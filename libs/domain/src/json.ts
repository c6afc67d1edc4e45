/** What can be written as JSON and read back the same. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
