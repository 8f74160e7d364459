/**
 * Writes examples/weather.lp: three days of a small weather service, every value type of line protocol, the same bytes
 * each time. The numbers come from sines and a seeded generator, so the file can be made anew and compared.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const startSeconds = Date.UTC(2026, 10, 19) / 1000;
const hours = 72;
const cities = [
  { city: 'Oslo', region: 'north', mean: 2, swing: 4 },
  { city: 'Turku', region: 'north', mean: 1, swing: 3 },
  { city: 'Hamburg', region: 'north', mean: 7, swing: 4 },
  { city: 'Zürich', region: 'middle', mean: 6, swing: 6 },
  { city: 'Bad\\ Aussee', region: 'middle', mean: 3, swing: 7 },
  { city: 'Porto', region: 'south', mean: 15, swing: 5 },
];

let state = 20261119;
/** A linear congruential generator: uniform in [0, 1). */
function chance(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 4294967296;
}

const lines: string[] = [
  '# weather stations: every 10 minutes; batteries: hourly; events: when they happen',
];
for (let minute = 0; minute < hours * 60; minute += 10) {
  const timeNs = `${startSeconds + minute * 60}000000000`;
  for (const { city, region, mean, swing } of cities) {
    const daily = -Math.cos(((minute % 1440) / 1440) * 2 * Math.PI);
    const temperature = (mean + swing * daily + chance() - 0.5).toFixed(1);
    const humidity = Math.round(70 - 15 * daily + 10 * chance());
    const raining = humidity > 82;
    const pressure = (1013 + 8 * Math.sin(minute / 900) + chance()).toFixed(2);
    lines.push(
      `weather,city=${city},region=${region} temperature=${temperature},humidity=${humidity}i,` +
        `pressure=${pressure},raining=${raining} ${timeNs}`,
    );
    if (minute % 60 === 0) {
      const volts = (12.6 - minute / 20000 - chance() / 100).toFixed(3);
      lines.push(
        `battery,city=${city} volts=${volts},cycles=${300 + Math.floor(minute / 360)}i ${timeNs}`,
      );
    }
    if (chance() < 0.004)
      lines.push(
        `event,city=${city},level=warn text="wind above \\"gale\\", gusts",gusts=${20 + Math.floor(20 * chance())}i ${timeNs}`,
      );
  }
}
writeFileSync(join(import.meta.dirname, '../examples/weather.lp'), `${lines.join('\n')}\n`);
