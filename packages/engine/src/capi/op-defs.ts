import { type Native, type Pointer, readBuffer } from './native.js';
import { fieldsOf } from './proto.js';

/** One input argument of an operation: a single tensor, or a list whose length an attribute gives. */
export interface InputArg {
  readonly name: string;
  /** Attribute that counts the tensors of a list input (`N`), or lists their types. */
  readonly countAttr?: string;
}

/** What building a graph node needs to know of an operation. */
export interface OpDef {
  readonly inputs: readonly InputArg[];
  readonly stateful: boolean;
}

// Field numbers of tensorflow/core/framework/op_def.proto.
const OP = { name: 1, inputArg: 2, isStateful: 17 } as const;
const ARG = { name: 1, numberAttr: 5, typeListAttr: 6 } as const;

/** Every operation this libtensorflow has, by name. Parsed when the first function is traced. */
export function readOpDefs(native: Native): Map<string, OpDef> {
  const text = new TextDecoder();
  const string = (value: number | Uint8Array): string => text.decode(value as Uint8Array);
  const buffer = native.TF_GetAllOpList!() as Pointer;
  const defs = new Map<string, OpDef>();
  for (const [, op] of fieldsOf(readBuffer(buffer))) {
    let name = '';
    let stateful = false;
    const inputs: InputArg[] = [];
    for (const [field, value] of fieldsOf(op as Uint8Array)) {
      if (field === OP.name) name = string(value);
      else if (field === OP.isStateful) stateful = value !== 0;
      else if (field === OP.inputArg) {
        const arg: { name: string; countAttr?: string } = { name: '' };
        for (const [argField, argValue] of fieldsOf(value as Uint8Array)) {
          if (argField === ARG.name) arg.name = string(argValue);
          else if (argField === ARG.numberAttr || argField === ARG.typeListAttr) arg.countAttr = string(argValue);
        }
        inputs.push(arg);
      }
    }
    defs.set(name, { inputs, stateful });
  }
  native.TF_DeleteBuffer!(buffer);
  return defs;
}
