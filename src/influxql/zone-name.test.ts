import { expect, test } from 'vitest';
import { zoneName } from './zone-name.ts';

test('zone name: names and older names as they are written, no other case, no offset', () => {
  for (const name of ['UTC', 'Europe/Berlin', 'US/Eastern', 'GMT', 'Etc/GMT+1', 'America/Port_of_Spain', 'Asia/Calcutta'])
    expect(zoneName(name)).toBe(name); // prettier-ignore
  expect(zoneName('')).toBe('UTC');
  for (const name of ['Utc', 'utc', 'us/eastern', 'Europe/berlin', 'europe/Berlin', '+01:00', '-05', 'nowhere', 'Nowhere', '../UTC'])
    expect(zoneName(name)).toBeUndefined(); // prettier-ignore
});
