import { contiguousStrides } from '../nn/strides.js';
import { storageName } from './dtype.js';
import { TensorToWrite } from './tensor-to-write.js';

/** What a PyTorch file can be given: plain data and tensors. Whole numbers become int, all others float. */
export type PickleInput =
  | null
  | boolean
  | number
  | string
  | TensorToWrite
  | readonly PickleInput[]
  | ReadonlyMap<string | number, PickleInput>
  | { readonly [key: string]: PickleInput };

/** A pickle and the tensors it refers to; tensor i is storage `i`. */
export interface Pickled {
  readonly bytes: Uint8Array;
  readonly tensors: readonly { readonly key: string; readonly tensor: TensorToWrite }[];
}

/**
 * Pickle data with protocol 2 from the instructions and names that `torch.load(weights_only=True)` accepts.
 * @throws Error for a value that no pickle can hold
 */
export function writePickle(root: PickleInput): Pickled {
  const writer = new Writer();
  writer.byte(0x80, 2);
  writer.value(root, '');
  writer.byte(0x2e);
  return { bytes: writer.result(), tensors: writer.tensors };
}

class Writer {
  readonly tensors: { key: string; tensor: TensorToWrite }[] = [];
  private buffer = new Uint8Array(4096);
  private view = new DataView(this.buffer.buffer);
  private length = 0;
  /** Globals already written, by their place in the memo. */
  private readonly memo = new Map<string, number>();

  result(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  byte(...bytes: number[]): void {
    this.room(bytes.length);
    for (const byte of bytes) this.buffer[this.length++] = byte;
  }

  value(value: PickleInput, path: string): void {
    if (value === null) this.byte(0x4e);
    else if (typeof value === 'boolean') this.byte(value ? 0x88 : 0x89);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'string') this.text(value);
    else if (value instanceof TensorToWrite) this.tensor(value, path);
    else if (isList(value)) {
      this.byte(0x5d, 0x28);
      for (const [i, item] of value.entries()) this.value(item, join(path, i));
      this.byte(0x65);
    } else {
      this.byte(0x7d, 0x28);
      for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
        if (typeof key === 'number') this.number(key);
        else this.text(key);
        this.value(item, join(path, key));
      }
      this.byte(0x75);
    }
  }

  private tensor(tensor: TensorToWrite, path: string): void {
    const key = String(this.tensors.length);
    this.tensors.push({ key: path, tensor });
    const typed = storageName(tensor.dtype);
    this.global('torch._utils', typed ? '_rebuild_tensor_v2' : '_rebuild_tensor_v3');
    this.byte(0x28, 0x28);
    this.text('storage');
    if (typed) this.global('torch', typed);
    else this.global('torch.storage', 'UntypedStorage');
    this.text(key);
    this.text('cpu');
    this.number(typed ? tensor.numel : tensor.byteLength);
    this.byte(0x74, 0x51); // TUPLE, BINPERSID
    this.number(0);
    this.numbers(tensor.shape);
    this.numbers(contiguousStrides(tensor.shape));
    this.byte(0x89); // requires_grad
    this.global('collections', 'OrderedDict'); // backward hooks
    this.byte(0x29, 0x52);
    if (!typed) this.global('torch', tensor.dtype);
    this.byte(0x74, 0x52); // TUPLE, REDUCE
  }

  private numbers(values: readonly number[]): void {
    this.byte(0x28);
    for (const value of values) this.number(value);
    this.byte(0x74);
  }

  private number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.room(9);
      this.buffer[this.length] = 0x47;
      this.view.setFloat64(this.length + 1, value, false);
      this.length += 9;
    } else if (value === (value | 0)) {
      this.room(5);
      this.buffer[this.length] = 0x4a;
      this.view.setInt32(this.length + 1, value, true);
      this.length += 5;
    } else {
      this.room(10);
      this.buffer[this.length] = 0x8a;
      this.buffer[this.length + 1] = 8;
      this.view.setBigInt64(this.length + 2, BigInt(value), true);
      this.length += 10;
    }
  }

  private text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.room(5 + bytes.length);
    this.buffer[this.length] = 0x58;
    this.view.setUint32(this.length + 1, bytes.length, true);
    this.buffer.set(bytes, this.length + 5);
    this.length += 5 + bytes.length;
  }

  private global(module: string, name: string): void {
    const path = `${module} ${name}`;
    const known = this.memo.get(path);
    if (known !== undefined) {
      this.byte(0x68, known);
      return;
    }
    const index = this.memo.size; // a handful of names, so one byte does
    this.memo.set(path, index);
    this.byte(0x63, ...new TextEncoder().encode(`${module}\n${name}\n`), 0x71, index);
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.length + bytes));
    larger.set(this.buffer);
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }
}

function isList(value: object): value is readonly PickleInput[] {
  return Array.isArray(value);
}

function join(path: string, key: string | number): string {
  return path === '' ? String(key) : `${path}.${key}`;
}
