"use strict";
(() => {
  const told = document.getElementById("told");

  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const field = document.createElement("textarea");
      field.value = text;
      field.setAttribute("readonly", "");
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      return done;
    }
  };

  for (const button of document.querySelectorAll("button.copy")) {
    const command = button.previousElementSibling;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copied(command.textContent);
      button.focus();
      button.textContent = done ? "Copied" : "Select it";
      told.textContent = done ? "The command is copied." : "The command could not be copied.";
      setTimeout(() => { button.textContent = "Copy"; told.textContent = ""; }, 2000);
    });
  }

  const opened = [];
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not([open])")) {
      part.open = true;
      opened.push(part);
    }
  });
  addEventListener("afterprint", () => {
    for (const part of opened.splice(0)) part.open = false;
  });
})();
