import type { OpAttr } from '../tfjs-node.js';
import type { Native, Pointer } from './native.js';

/** tfjs-node's numbering of attribute kinds; it lacks functions, which are 8 in TensorFlow's C API. */
export const AttrKind = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5, func: 8 } as const;

const encoder = new TextEncoder();

/**
 * Set one attribute on an operation that is about to run (`TFE_Op`) or to join a graph (`TF_OperationDescription`).
 * Numbers and types also come as lists, and texts for a graph. A function is named, in a graph only.
 */
export function setAttribute(native: Native, target: Pointer, graph: boolean, attr: OpAttr, status: Pointer): void {
  const { name, type, value } = attr;
  const set = (kind: string) => native[`${graph ? 'TF_SetAttr' : 'TFE_OpSetAttr'}${kind}`]!;
  const list = Array.isArray(value) ? (value as number[]) : null;
  switch (type) {
    case AttrKind.string: {
      if (Array.isArray(value)) {
        const texts = value as string[];
        const lengths = texts.map((text) => encoder.encode(text).length);
        set('StringList')(target, name, texts, lengths, texts.length);
        return;
      }
      const bytes = value instanceof Uint8Array ? value : encoder.encode(String(value));
      set('String')(target, name, bytes, bytes.length);
      return;
    }
    case AttrKind.int:
      if (list) set('IntList')(target, name, list, list.length);
      else set('Int')(target, name, value);
      return;
    case AttrKind.float:
      if (list) set('FloatList')(target, name, list, list.length);
      else set('Float')(target, name, value);
      return;
    case AttrKind.bool:
      set('Bool')(target, name, value ? 1 : 0);
      return;
    case AttrKind.type:
      if (list) set('TypeList')(target, name, list, list.length);
      else set('Type')(target, name, value);
      return;
    case AttrKind.shape:
      if (graph) set('Shape')(target, name, list, list!.length);
      else set('Shape')(target, name, list, list!.length, status);
      return;
    case AttrKind.func:
      set('FuncName')(target, name, value, encoder.encode(value as string).length);
      return;
    default:
      throw new Error(
        `engine: attribute '${name}' has kind ${type}, which is none of ${Object.keys(AttrKind).join(', ')}`,
      );
  }
}
