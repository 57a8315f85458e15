// Pages of accounts: the brightness that was chosen in the admin, and the button that prints. The admin keeps its choice as JSON.
const chosen = (localStorage.getItem("adminTheme") || "auto").replaceAll('"', "");
const dark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
document.documentElement.classList.toggle("dark", dark);
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) print();
});
