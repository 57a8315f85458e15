// Draws the OpenAPI document; a file of its own because the page's policy runs no inline script.
const api = document.getElementById("api");
SwaggerUIBundle({ url: api.dataset.document, domNode: api, deepLinking: true, validatorUrl: null });
