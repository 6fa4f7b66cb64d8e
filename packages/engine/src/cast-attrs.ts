import { AttrKind } from './capi/attributes.js';
import type { OpAttr } from './tfjs-node.js';

/** Attributes of the operation that converts elements from one TensorFlow type to another. */
export const castAttrs = (from: number, to: number): readonly OpAttr[] => [
  { name: 'SrcT', type: AttrKind.type, value: from },
  { name: 'DstT', type: AttrKind.type, value: to },
  { name: 'Truncate', type: AttrKind.bool, value: false },
];
