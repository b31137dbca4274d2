import { describe, expect, test } from 'vitest';
import { FrameError, FrameReader } from '../../../src/broker/frame-reader.ts';
import { fc } from '../../support/fast-check.ts';

/** Gives bytes to a reader in the pieces that `cuts` makes of them, as a socket would. */
function feed(reader: FrameReader, bytes: Buffer, cuts: readonly number[] = []): void {
  const ends = [...new Set(cuts.filter((cut) => cut > 0 && cut < bytes.byteLength))];
  let from = 0;
  for (const end of [...ends.sort((a, b) => a - b), bytes.byteLength]) {
    while (from < end) {
      const length = bytes.copy(reader.readBuffer(), 0, from, end);
      reader.advance(length);
      from += length;
    }
  }
}

function framed(bodies: readonly Buffer[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const prefix = Buffer.alloc(4);
      prefix.writeInt32BE(body.byteLength);
      return [prefix, body];
    }),
  );
}

describe('FrameReader', () => {
  test('gives back the frames however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
        fc.array(fc.nat(2500), { maxLength: 40 }),
        (bodies, cuts) => {
          const wanted = bodies.map((body) => Buffer.from(body));
          const frames: Buffer[] = [];
          const reader = new FrameReader(1000, (frame) => frames.push(Buffer.from(frame)));
          feed(reader, framed(wanted), cuts);
          expect(frames).toEqual(wanted);
          expect(reader.midFrame).toBe(false);
          expect(reader.heldBytes).toBe(0);
        },
      ),
    );
  });

  test('reads a frame that comes byte by byte', () => {
    const body = Buffer.from('one byte at a time');
    const frames: Buffer[] = [];
    const reader = new FrameReader(1000, (frame) => frames.push(frame));
    for (const byte of framed([body, body])) feed(reader, Buffer.from([byte]));
    expect(frames).toEqual([body, body]);
  });

  test('keeps frames apart from the memory that all readers share', () => {
    const frames: Buffer[] = [];
    const reader = new FrameReader(1000, (frame) => frames.push(frame));
    feed(reader, framed([Buffer.from('first')]));
    feed(new FrameReader(1000, () => {}), framed([Buffer.from('OTHER')]));
    expect(frames[0]?.toString()).toBe('first');
  });

  test('a long frame is read into its own buffer, which grows with what arrives', () => {
    const length = 20 * 1024 * 1024;
    const frames: Buffer[] = [];
    const reader = new FrameReader(length, (frame) => frames.push(frame));
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(length);
    feed(reader, prefix);
    feed(reader, Buffer.from('x'));
    expect(reader.heldBytes).toBeLessThanOrEqual(2 * 1024 * 1024);
    const rest = Buffer.alloc(length - 1, 7);
    feed(reader, rest);
    expect(frames[0]?.byteLength).toBe(length);
    expect(frames[0]?.subarray(1).equals(rest)).toBe(true);
    expect(reader.heldBytes).toBe(0);
  });

  test.each([
    ['negative', -1, 'frame_negative'],
    ['the lowest', -0x8000_0000, 'frame_negative'],
    ['one too many', 1001, 'frame_too_large'],
    ['the highest', 0x7fff_ffff, 'frame_too_large'],
  ])('refuses a length that is %s, and holds nothing for it', (_name, length, code) => {
    const reader = new FrameReader(1000, () => {});
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(length);
    expect(() => feed(reader, prefix)).toThrow(FrameError);
    expect(() => feed(new FrameReader(1000, () => {}), prefix)).toThrow(
      expect.objectContaining({ code }),
    );
    expect(reader.heldBytes).toBe(0);
  });
});
