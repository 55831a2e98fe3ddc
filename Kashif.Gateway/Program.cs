using Kashif;
using Kashif.Gateway;
using Kashif.Gateway.EmailLinks;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Gateway);
builder.AddGateway();

var app = builder.Build();
app.UseCorrelationId();
app.UsePerimeter();
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseRouting();
app.UseCallerChecks();
app.UseResponseHandling();
app.UseDocumentation();
app.MapEmailLinkPages();
app.MapProxy();
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);
