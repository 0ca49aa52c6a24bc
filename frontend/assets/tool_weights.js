// A file of weights from this computer: chosen, sent to the server as it is, and told to the page by its name there.
(() => {
  "use strict";
  const CHOOSE = "weights-choose";
  const ENDINGS = /\.(safetensors|pt|pth|bin|ckpt)$/i;
  let count = 0;

  const tell = (data) => window.dash_clientside.set_props("weights-sent", { data: { ...data, count: (count += 1) } });

  // A name that the server takes: letters, digits, dots, dashes and underlines.
  function nameOf(file) {
    const plain = file.name.replace(ENDINGS, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
    return plain.slice(0, 100) || "weights";
  }

  async function send(file) {
    const name = nameOf(file);
    tell({ sending: file.name });
    try {
      const answer = await fetch(`/api/checkpoints/${encodeURIComponent(name)}`, { method: "PUT", body: file });
      const json = await answer.json().catch(() => null);
      if (answer.ok) return tell({ name });
      const error = (json && json.error) || { message: `the server answered ${answer.status}` };
      tell({ refused: `${file.name}: ${error.message}. ${error.hint || ""}` });
    } catch {
      tell({ refused: `${file.name}: the server does not answer, or the file is too large for it.` });
    }
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest(`#${CHOOSE}`)) return;
    const input = document.createElement("input");
    input.type = "file";
    input.addEventListener("change", () => input.files.length && send(input.files[0]));
    input.click();
  });
})();
