using Kashif;
using Kashif.Gateway;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Gateway);
builder.AddGateway();

var app = builder.Build();
app.UseCorrelationId();
app.UseEdge();
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseRouting();
app.UseCallers();
app.UseAnswers();
app.UseDocumentation();
app.MapProxy();
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);
