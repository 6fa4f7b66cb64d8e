import { type InertGlobals, instantiate } from './pickle-globals.js';
import { narrow, PickleFault, PickleReader } from './pickle-reader.js';
import {
  PickleDict,
  type PickleGlobal,
  PickleObject,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from './pickle-value.js';

/** What a pickle may cost before it is refused; ample for checkpoints (a full-size one has about 30 000 containers). */
export const PICKLE_LIMITS = {
  instructions: 8_000_000,
  containers: 1_000_000,
  memo: 2_000_000,
  marks: 10_000,
} as const;

/** What a pickle leaves to its reader. */
export interface PickleContext {
  /** Names it may mention; all others end the parse. */
  readonly globals: InertGlobals;
  /** Resolve a persistent id (a storage). @throws PickleFault */
  readonly persistentLoad: (id: PickleValue, offset: number) => PickleValue;
}

const MARK = Symbol('mark');
type Slot = PickleValue | typeof MARK;

/**
 * Parse one pickle of protocol 0 to 5. Nothing is imported, called or executed: a global is a name, a call is data, and
 * the cost is proportional to the bytes read. Written here because the registry's parsers return tuples as lists, read
 * integers of more than 8 bytes wrongly (the legacy format starts with one), do not tell where a pickle ends (the legacy
 * format has five in a row) and have neither stack checks nor limits.
 * @param start offset of the first instruction in `bytes`
 * @returns the value, and the offset after its STOP
 * @throws PickleFault | PickleTruncated
 */
export function parsePickle(
  bytes: Uint8Array,
  start: number,
  context: PickleContext,
): { value: PickleValue; end: number } {
  return new Machine(new PickleReader(bytes, start), context).run();
}

class Machine {
  private readonly stack: Slot[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private containers = 0;
  /** Start of the instruction at work, for messages. */
  private at = 0;

  constructor(
    private readonly reader: PickleReader,
    private readonly context: PickleContext,
  ) {}

  run(): { value: PickleValue; end: number } {
    for (let count = 0; count < PICKLE_LIMITS.instructions; count++) {
      this.at = this.reader.position;
      const opcode = this.reader.u8();
      if (opcode === 0x2e) return { value: this.pop(), end: this.reader.position };
      const value = this.step(opcode);
      if (value !== undefined) this.stack.push(value);
    }
    throw new PickleFault(`more than ${PICKLE_LIMITS.instructions} instructions`, this.at);
  }

  /** Carry out one instruction. @returns the value it puts on the stack, undefined if it puts none */
  private step(opcode: number): PickleValue | undefined {
    const { reader, stack } = this;
    switch (opcode) {
      // Framing and protocol: no effect on the value.
      case 0x80: {
        const protocol = reader.u8();
        if (protocol > 5) throw new PickleFault(`pickle protocol ${protocol}, at most 5 is known`, this.at);
        return undefined;
      }
      case 0x95:
        reader.u64();
        return undefined;
      // Stack and memo.
      case 0x28:
        if (this.marks.length >= PICKLE_LIMITS.marks) throw new PickleFault('nesting too deep', this.at);
        this.marks.push(stack.length);
        stack.push(MARK);
        return undefined;
      case 0x30:
        // POP on a mark drops the mark, as in Python.
        if (stack.at(-1) === MARK) this.popMark();
        else this.pop();
        return undefined;
      case 0x31:
        this.popMark();
        return undefined;
      case 0x32:
        return this.peek();
      case 0x70:
        this.put(this.memoIndex(reader.line()));
        return undefined;
      case 0x71:
        this.put(reader.u8());
        return undefined;
      case 0x72:
        this.put(reader.u32());
        return undefined;
      case 0x94:
        this.put(this.memo.size);
        return undefined;
      case 0x67:
        return this.get(this.memoIndex(reader.line()));
      case 0x68:
        return this.get(reader.u8());
      case 0x6a:
        return this.get(reader.u32());
      // Constants and numbers.
      case 0x4e:
        return null;
      case 0x88:
        return true;
      case 0x89:
        return false;
      case 0x49: {
        const line = reader.line();
        return line === '01' ? true : line === '00' ? false : this.decimal(line);
      }
      case 0x4a:
        return reader.i32();
      case 0x4b:
        return reader.u8();
      case 0x4d:
        return reader.u16();
      case 0x4c:
        return this.decimal(reader.line().replace(/L$/, ''));
      case 0x8a:
        return reader.long(reader.u8());
      case 0x8b:
        return reader.long(reader.i32());
      case 0x46:
        return this.float(reader.line());
      case 0x47:
        return reader.f64();
      // Text and bytes.
      case 0x53:
        return this.quoted(reader.line());
      case 0x54:
        return reader.byteText(reader.i32());
      case 0x55:
        return reader.byteText(reader.u8());
      case 0x56:
        return unescapeRaw(reader.line());
      case 0x58:
        return reader.text(reader.u32());
      case 0x8c:
        return reader.text(reader.u8());
      case 0x8d:
        return reader.text(reader.u64());
      case 0x42:
        return reader.raw(reader.u32());
      case 0x43:
        return reader.raw(reader.u8());
      case 0x8e:
      case 0x96:
        return reader.raw(reader.u64());
      // Tuples, lists, dictionaries, sets.
      case 0x29:
        return this.made(new PickleTuple([]));
      case 0x74:
        return this.made(new PickleTuple(this.popMark()));
      case 0x85:
      case 0x86:
      case 0x87: {
        const items = Array.from({ length: opcode - 0x84 }, () => this.pop());
        return this.made(new PickleTuple(items.reverse()));
      }
      case 0x5d:
        return this.made([]);
      case 0x6c:
        return this.made(this.popMark());
      case 0x61:
        this.append([this.pop()]);
        return undefined;
      case 0x65:
      case 0x90:
        this.append(this.popMark());
        return undefined;
      case 0x7d:
        return this.made(new PickleDict());
      case 0x64: {
        const items = this.popMark();
        stack.push(this.made(new PickleDict()));
        this.setItems(items);
        return undefined;
      }
      case 0x73: {
        const value = this.pop();
        this.setItems([this.pop(), value]);
        return undefined;
      }
      case 0x75:
        this.setItems(this.popMark());
        return undefined;
      case 0x8f:
        return this.made(new PickleSet([]));
      case 0x91:
        return this.made(new PickleSet(this.popMark()));
      // Names and calls, all of them data.
      case 0x63: {
        const module = reader.line();
        return this.global(module, reader.line());
      }
      case 0x93: {
        const name = this.pop();
        const module = this.pop();
        if (typeof name !== 'string' || typeof module !== 'string') throw this.misfit('a global is named by', name);
        return this.global(module, name);
      }
      case 0x69: {
        const module = reader.line();
        const type = this.global(module, reader.line());
        return this.call(type, new PickleTuple(this.popMark()));
      }
      case 0x6f: {
        const [type, ...args] = this.popMark();
        return this.call(type ?? null, new PickleTuple(args));
      }
      case 0x52:
      case 0x81: {
        const args = this.pop();
        return this.call(this.pop(), args);
      }
      case 0x92: {
        const named = this.pop();
        const args = this.pop();
        const type = this.pop();
        if (named instanceof PickleDict && named.entries.size > 0 && args instanceof PickleTuple) {
          return this.call(type, new PickleTuple([...args.items, named]));
        }
        return this.call(type, args);
      }
      case 0x62: {
        const state = this.pop();
        const target = this.peek();
        // Attributes of a dictionary or tensor (state_dict._metadata, for one) say nothing that is needed here.
        if (target instanceof PickleObject) target.state = state;
        else if (target === null || typeof target !== 'object') throw this.misfit('BUILD applies to', target);
        return undefined;
      }
      case 0x50:
        return this.context.persistentLoad(reader.line(), this.at);
      case 0x51:
        return this.context.persistentLoad(this.pop(), this.at);
      default:
        throw new PickleFault(`pickle instruction 0x${opcode.toString(16)} is not used by checkpoints`, this.at);
    }
  }

  private pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined || value === MARK) throw new PickleFault('an operand is missing from the stack', this.at);
    return value;
  }

  private peek(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined || value === MARK) throw new PickleFault('an operand is missing from the stack', this.at);
    return value;
  }

  /** Everything above the last mark, and the mark. */
  private popMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw new PickleFault('a mark is missing from the stack', this.at);
    const items = this.stack.splice(mark);
    items.shift();
    return items.filter((item): item is PickleValue => item !== MARK);
  }

  private put(index: number): void {
    this.memo.set(index, this.peek());
    if (this.memo.size > PICKLE_LIMITS.memo)
      throw new PickleFault(`more than ${PICKLE_LIMITS.memo} memo entries`, this.at);
  }

  private get(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw new PickleFault(`memo entry ${index} was never set`, this.at);
    return value;
  }

  private memoIndex(line: string): number {
    if (!/^\d{1,10}$/.test(line)) throw new PickleFault('a memo index is not a number', this.at);
    return Number(line);
  }

  private decimal(line: string): number | bigint {
    if (!/^\s*[+-]?\d+\s*$/.test(line)) throw new PickleFault('an integer is not written as one', this.at);
    return narrow(BigInt(line.trim().replace(/^\+/, '')));
  }

  private float(line: string): number {
    const special = /^([+-]?)(inf|nan)$/i.exec(line.trim());
    if (special) return special[2]!.toLowerCase() === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
    const value = line.trim() === '' ? Number.NaN : Number(line);
    if (Number.isNaN(value)) throw new PickleFault('a number is not written as one', this.at);
    return value;
  }

  private quoted(line: string): string {
    const match = /^(['"])(.*)\1$/.exec(line);
    if (!match) throw new PickleFault('a string lacks its quotes', this.at);
    return unescapeQuoted(match[2]!);
  }

  /** @param copied elements that making it copied; they count, or one list could be copied without end */
  private made<T extends PickleValue>(container: T, copied = 0): T {
    this.containers += 1 + copied;
    if (this.containers > PICKLE_LIMITS.containers) {
      throw new PickleFault(`more than ${PICKLE_LIMITS.containers} lists, dictionaries and objects`, this.at);
    }
    return container;
  }

  private global(module: string, name: string): PickleGlobal {
    return this.context.globals.resolve(module, name, this.at);
  }

  private call(type: PickleValue, args: PickleValue): PickleValue {
    if (!(args instanceof PickleTuple)) throw this.misfit('arguments are', args);
    const value = instantiate(type, args.items, this.at);
    return this.made(value, args.items.length + sizeOf(value));
  }

  private append(items: readonly PickleValue[]): void {
    const target = this.peek();
    const list =
      target instanceof PickleObject || target instanceof PickleSet
        ? target.items
        : Array.isArray(target)
          ? target
          : undefined;
    if (list === undefined) throw this.misfit('items go into', target);
    // Not push(...items): a long list would overflow the call stack.
    for (const item of items) list.push(item);
  }

  private setItems(items: readonly PickleValue[]): void {
    const target = this.peek();
    if (!(target instanceof PickleDict || target instanceof PickleObject)) throw this.misfit('entries go into', target);
    if (items.length % 2 !== 0) throw new PickleFault('a dictionary key has no value', this.at);
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (typeof key === 'string' && target.entries.has(key)) {
        throw new PickleFault(`the key '${key}' occurs twice in a dictionary`, this.at);
      }
      target.entries.set(key, items[i + 1]!);
    }
  }

  private misfit(what: string, value: PickleValue): PickleFault {
    const kind = value === null ? 'None' : typeof value === 'object' ? value.constructor.name : typeof value;
    return new PickleFault(`${what} ${kind}`, this.at);
  }
}

/** Elements of a value that a call may have copied; bytes are a 64th of an element. */
function sizeOf(value: PickleValue): number {
  if (Array.isArray(value)) return value.length;
  if (value instanceof PickleDict) return value.entries.size;
  if (value instanceof PickleSet) return value.items.length;
  return value instanceof Uint8Array ? value.length / 64 : 0;
}

/** Python's raw-unicode-escape: only \uXXXX and \UXXXXXXXX are special. */
function unescapeRaw(line: string): string {
  return line.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short?: string, long?: string) => {
    const code = Number.parseInt(short ?? long ?? '', 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/** The escapes that Python's repr of a string uses. */
function unescapeQuoted(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (whole, hex?: string, char?: string) =>
    hex !== undefined ? String.fromCharCode(Number.parseInt(hex, 16)) : (ESCAPES[char ?? ''] ?? whole),
  );
}
