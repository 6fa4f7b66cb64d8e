import { describe, expect, it } from 'vitest';
import { cudaLibraries, pinnedVersion, pinnedWheels } from '../../library/index.mjs';
import { pipSelection } from '../../library/pip.mjs';
import { namesFor, rowFor } from '../../library/platforms.mjs';
import { isNeeded } from '../../library/provide.mjs';

const wheels = pinnedWheels.flatMap((row) => row.wheels);

describe('the table of pinned wheels', () => {
  it.each([
    ['linux', 'x64', 'cpu', 'tensorflow-cpu', 'manylinux_2_27_x86_64'],
    ['linux', 'x64', 'gpu', 'tensorflow', 'manylinux_2_27_x86_64'],
    ['linux', 'arm64', 'cpu', 'tensorflow', 'manylinux_2_27_aarch64'],
    ['darwin', 'arm64', 'cpu', 'tensorflow', 'macosx_12_0_arm64'],
  ] as const)('has %s %s (%s)', (platform, arch, build, name, tag) => {
    const [first] = rowFor(pinnedWheels, platform, arch, build).wheels;
    expect(first).toMatchObject({ name, version: pinnedVersion });
    expect(pipSelection(first?.file ?? '')).toEqual(
      expect.arrayContaining(['--platform', tag, '--python-version', '3.11']),
    );
  });

  it('has no other rows', () => {
    expect(pinnedWheels.map(({ platform, build }) => `${platform} ${build}`)).toEqual([
      'linux-x64 cpu',
      'linux-x64 gpu',
      'linux-arm64 cpu',
      'darwin-arm64 cpu',
    ]);
  });

  it('pins every wheel by a full hash of its own, an exact version and its sizes', () => {
    for (const { name, version, file, sha256, bytes, unpackedBytes } of wheels) {
      expect(sha256, file).toMatch(/^[0-9a-f]{64}$/);
      expect(file.startsWith(`${name.replaceAll('-', '_')}-${version}-`), file).toBe(true);
      expect(bytes, file).toBeGreaterThan(1e6);
      expect(unpackedBytes, file).toBeGreaterThan(5e5);
    }
    expect(new Set(wheels.map(({ sha256 }) => sha256)).size).toBe(wheels.length);
  });

  it('has an NVIDIA wheel for every folder that doctor looks into', () => {
    const names = rowFor(pinnedWheels, 'linux', 'x64', 'gpu').wheels.map(({ name }) => name);
    for (const { folder } of cudaLibraries) {
      const part = folder.split('/')[0]?.replaceAll('_', '-');
      expect(names, folder).toContain(`nvidia-${part}-cu12`);
    }
  });

  it('asks pip for any of several platform tags, and for no Python where the wheel needs none', () => {
    expect(pipSelection('nvidia_x-1-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl')).toEqual([
      '--only-binary=:all:',
      '--platform',
      'manylinux2014_x86_64',
      '--platform',
      'manylinux_2_17_x86_64',
    ]);
  });

  it('knows the libraries of each system, and says when it knows none', () => {
    expect(namesFor('linux').cc[0]).toBe('libtensorflow_cc.so.2');
    expect(namesFor('darwin').framework[0]).toBe('libtensorflow_framework.2.dylib');
    expect(namesFor('win32').cc).toEqual(['tensorflow.dll']);
    expect(() => namesFor('aix')).toThrow(/'aix'/);
  });
});

it.each([
  ['tensorflow/libtensorflow_cc.so.2', true],
  ['tensorflow/libtensorflow_framework.2.dylib', true],
  ['tensorflow/THIRD_PARTY_NOTICES.txt', true],
  ['tensorflow/include/LICENSE', false],
  ['tensorflow/python/lib_pywrap_tensorflow_common.so', false],
  ['nvidia/cudnn/lib/libcudnn_ops.so.9', true],
  ['nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc', true],
  ['nvidia/cuda_nvcc/bin/ptxas', true],
  ['nvidia/cuda_nvcc/include/crt/host.h', false],
  ['nvidia/cudnn/__init__.py', false],
  ['nvidia/cuda_runtime/lib/libcudart_static.a', false],
  ['nvidia/cuda_nvrtc/lib/libnvrtc.alt.so.12', false],
  ['nvidia_cudnn_cu12-9.28.0.42.dist-info/licenses/License.txt', true],
  ['nvidia_cudnn_cu12-9.28.0.42.dist-info/RECORD', false],
])('of a wheel, %s is unpacked: %s', (name, wanted) => expect(isNeeded(name)).toBe(wanted));
