// The form of an inbox: fields that are asked for with some choices only. Without this all are there, and the server says what is missing.
const fields = [...document.querySelectorAll("[data-when]")];

function show() {
  for (const field of fields) {
    const [name, ...values] = field.dataset.when.split(" ");
    const input = field.querySelector("input, select, textarea");
    const asked = values.includes(input.form.elements[name].value);
    field.hidden = !asked;
    input.disabled = !asked;
    input.required = asked && "needed" in field.dataset;
  }
}

document.addEventListener("change", show);
show();
