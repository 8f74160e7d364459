import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { formVersion, markForm } from './form-mark.ts';

const path = 'a/meta/form.json';
const bytes = (text: string) => new TextEncoder().encode(text);

function withDisk(work: (disk: ReturnType<World['addNode']>['env']['disk']) => Promise<void>) {
  const world = new World(1);
  return world.complete(work(world.addNode('a').env.disk));
}

test('form: a new folder, and one of before there were marks, is marked; a marked one stays as it is', async () => {
  await withDisk(async (disk) => {
    await markForm(disk, 'a/meta');
    const marked = await disk.readFile(path);
    expect(new TextDecoder().decode(marked)).toBe(`{"form":${formVersion}}\n`);
    await markForm(disk, 'a/meta');
    expect(await disk.readFile(path)).toEqual(marked);
    await disk.replaceFile(path, bytes('{"form":1}\n'));
    await markForm(disk, 'a/meta');
    expect(await disk.readFile(path)).toEqual(marked);
  });
});

test('form: a folder of a later release is refused as it is, whatever else its mark says', async () => {
  await withDisk(async (disk) => {
    await markForm(disk, 'a/meta');
    const later = formVersion + 1;
    for (const text of [`{"form":${later}}\n`, `{"form":${later},"since":"1.13"}\n`]) {
      await disk.replaceFile(path, bytes(text));
      const known = `(form ${later}, and this one knows ${formVersion})`;
      const said = `${path}: the folder is of a later release ${known}: start that release, or restore a backup`; // prettier-ignore
      await expect(markForm(disk, 'a/meta')).rejects.toMatchObject({ code: 'unsupported_version', message: said }); // prettier-ignore
      expect(await disk.readFile(path)).toEqual(bytes(text));
    }
  });
});

test('form: what is no mark is not taken for an old one, and who reads it is told what to do', async () => {
  await withDisk(async (disk) => {
    await markForm(disk, 'a/meta');
    for (const text of ['', '{}', 'form 1', '{"form":x}']) {
      await disk.replaceFile(path, bytes(text));
      const message = `${path}: it is no mark of a form, or damaged: put back a copy, or remove it if no later release has written here`; // prettier-ignore
      await expect(markForm(disk, 'a/meta')).rejects.toMatchObject({ code: 'corrupt', message });
    }
  });
});
