using Kashif;
using Kashif.Coupons;
using Kashif.Messaging.DeadLetters;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Redemptions;
using Kashif.Coupons.Reports;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Coupons);
builder.AddCoupons();

var app = builder.Build();
app.UseServiceDefaults();
app.MapCatalog();
app.MapRedemptions();
app.MapRedemptionExport();
app.MapDailyRedemptions();
app.MapDeadLetters("/api/v1/coupons", "Coupons");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);
