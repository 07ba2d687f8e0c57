/** Colours as a canvas has them in memory. */
export function packed(colours: readonly string[]): Uint32Array {
  const canvas = Object.assign(document.createElement('canvas'), { width: colours.length, height: 1 });
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  colours.forEach((colour, index) => {
    context.fillStyle = colour;
    context.fillRect(index, 0, 1, 1);
  });
  return new Uint32Array(context.getImageData(0, 0, colours.length, 1).data.buffer);
}

/** Squares on a canvas, as pixels: tens of thousands in a few milliseconds, where as many rectangles take a tenth of a second. */
export interface Pixels {
  /** @param left of its middle; `top` and `size` too in pixels of the screen */
  square(left: number, top: number, size: number, colour: number): void;
  put(): void;
}

export function createPixels(context: CanvasRenderingContext2D): Pixels {
  const { width, height } = context.canvas;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  return {
    square(left, top, size, colour) {
      const [fromX, fromY] = [Math.round(left - size / 2), Math.round(top - size / 2)];
      const [toX, toY] = [Math.min(width, fromX + size), Math.min(height, fromY + size)];
      for (let y = Math.max(0, fromY); y < toY; y++)
        for (let x = Math.max(0, fromX); x < toX; x++) pixels[y * width + x] = colour;
    },
    put: () => context.putImageData(image, 0, 0),
  };
}
