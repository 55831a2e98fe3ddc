using Kashif;
using Kashif.Coupons;
using Kashif.Messaging.DeadLetters;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Codes;
using Kashif.Coupons.Partners;
using Kashif.Coupons.Redemptions;
using Kashif.Coupons.Shop;
using Kashif.Coupons.Reports;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Coupons);
builder.AddCoupons();

var app = builder.Build();
app.UseServiceDefaults();
app.MapCatalog();
app.MapPartners();
app.MapCodes();
app.MapRedemptions();
app.MapCompanyRedemptions();
app.MapTill();
app.MapSignedCodes();
app.MapShop();
app.MapCouponsExport();
app.MapDailyRedemptions();
app.MapDeadLetters("/api/v1/coupons", "Coupons");
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);
