using Kashif;
using Kashif.Gateway;
using Kashif.Gateway.EmailLinks;
using Kashif.Gateway.Map;

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
app.MapMapPage();
app.MapProxy();
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);
