// How numbers and times are written.

const SPACE = "\u00a0"; // at which no line breaks

export function duration(milliseconds) {
  if (milliseconds === null) return "running";
  if (milliseconds < 10) return `${milliseconds.toFixed(2)}${SPACE}ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)}${SPACE}ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(2)}${SPACE}s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

const two = (number) => String(number).padStart(2, "0");

export function clock(seconds) {
  const at = new Date(seconds * 1000);
  const fraction = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${fraction}`;
}

export const counted = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
