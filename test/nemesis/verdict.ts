/** Promises that held and those that did not, each with a line as it is judged. */
export class Verdict {
  passedCount = 0;
  failedCount = 0;

  reportAll(findings: readonly { readonly text: string; readonly fault: string }[]): void {
    for (const { text, fault } of findings) this.report(text, fault);
  }

  report(text: string, fault: string): void {
    if (fault === '') this.passedCount++;
    else this.failedCount++;
    process.stdout.write(
      `${fault === '' ? 'held  ' : 'FAILED'}  ${text}${fault === '' ? '' : `: ${fault}`}\n`,
    );
  }
}
