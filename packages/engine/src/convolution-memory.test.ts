import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { convolutionShape } from './convolution-memory.js';

describe('convolutionShape', () => {
  const shapes = [
    [2, 33, 20, 3],
    [5, 3, 3, 7],
  ] as const;
  const info = (stride: number, dilation: number, pad: 'same' | 'valid' | tf.backend_util.ExplicitPadding) =>
    tf.backend_util.computeConv2DInfo([...shapes[0]], [...shapes[1]], stride, dilation, pad).outShape;
  const attrs = (padding: string, stride: number, dilation: number, sides: number[] = []) => [
    { name: 'strides', type: 1, value: [1, stride, stride, 1] },
    { name: 'dilations', type: 1, value: [1, dilation, dilation, 1] },
    { name: 'padding', type: 0, value: padding },
    { name: 'explicit_paddings', type: 1, value: sides },
  ];

  it('is that of tfjs, with every padding, stride and dilation', () => {
    for (const [stride, dilation] of [
      [1, 1],
      [2, 1],
      [3, 1],
      [1, 2],
    ] as const) {
      expect(convolutionShape(shapes, attrs('SAME', stride, dilation))).toEqual(info(stride, dilation, 'same'));
      expect(convolutionShape(shapes, attrs('VALID', stride, dilation))).toEqual(info(stride, dilation, 'valid'));
      const pad: tf.backend_util.ExplicitPadding = [
        [0, 0],
        [1, 2],
        [0, 1],
        [0, 0],
      ];
      const explicit = attrs('EXPLICIT', stride, dilation, pad.flat());
      expect(convolutionShape(shapes, explicit)).toEqual(info(stride, dilation, pad));
    }
  });
});
