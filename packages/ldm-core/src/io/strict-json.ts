/** Text that is not the JSON wanted; the offset counts characters. */
export class JsonFault extends Error {
  constructor(
    readonly problem: string,
    readonly offset: number,
  ) {
    super(problem);
  }
}

export type Json = null | boolean | number | string | Json[] | Map<string, Json>;

/** Headers nest three deep. */
const MAX_DEPTH = 8;

/**
 * Parse JSON, refusing what `JSON.parse` lets pass: a key that occurs twice (two readers of one file could then see two
 * different tensors) and deep nesting. Objects become Maps, so that no key can touch a prototype.
 * @throws JsonFault
 */
export function parseStrictJson(text: string): Json {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new JsonFault('nested too deep', this.at);
    this.take(SPACE);
    const char = this.text[this.at];
    if (char === '{') return this.object(depth);
    if (char === '[') return this.array(depth);
    if (char === '"') return this.string();
    const word = this.take(WORD);
    if (word !== undefined) return word === 'null' ? null : word === 'true';
    const number = this.take(NUMBER);
    if (number === undefined) throw new JsonFault('a value was wanted', this.at);
    return Number(number);
  }

  end(): void {
    this.take(SPACE);
    if (this.at !== this.text.length) throw new JsonFault('text follows the value', this.at);
  }

  private object(depth: number): Map<string, Json> {
    const object = new Map<string, Json>();
    this.expect('{');
    if (this.skip('}')) return object;
    do {
      this.take(SPACE);
      const at = this.at;
      const key = this.string();
      if (object.has(key)) throw new JsonFault(`the key '${key.slice(0, 200)}' occurs twice`, at);
      this.expect(':');
      object.set(key, this.value(depth + 1));
    } while (this.skip(','));
    this.expect('}');
    return object;
  }

  private array(depth: number): Json[] {
    const items: Json[] = [];
    this.expect('[');
    if (this.skip(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.skip(','));
    this.expect(']');
    return items;
  }

  private string(): string {
    const start = this.at;
    if (this.text[start] !== '"') throw new JsonFault('a string was wanted', start);
    let end = start;
    let escaped = true;
    while (escaped) {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) throw new JsonFault('a string has no end', start);
      let backslashes = 0;
      while (this.text[end - 1 - backslashes] === '\\') backslashes++;
      escaped = backslashes % 2 === 1;
    }
    this.at = end + 1;
    try {
      return JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      throw new JsonFault('a string has characters or escapes that JSON lacks', start);
    }
  }

  private skip(char: string): boolean {
    this.take(SPACE);
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private expect(char: string): void {
    if (!this.skip(char)) throw new JsonFault(`'${char}' was wanted`, this.at);
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text)?.[0];
    if (match !== undefined) this.at += match.length;
    return match;
  }
}
