using System.ComponentModel.DataAnnotations;
using Kashif.Validation;

namespace Kashif.Coupons.Shop;

/// <summary>A postal address.</summary>
/// <param name="Name" example="Amina Haddad">The recipient.</param>
/// <param name="Line1" example="12 Straight Street">Street and number.</param>
/// <param name="City" example="Damascus">The city.</param>
/// <param name="Country" example="SY">The country, as the two letters of ISO 3166.</param>
/// <param name="Line2" example="Third floor">More of the address.</param>
/// <param name="Region" example="Rif Dimashq">State, province or governorate.</param>
/// <param name="PostalCode" example="00963">The postal code.</param>
/// <param name="Phone" example="+963 11 555 0101">For the carrier.</param>
public sealed record Address(
    [Title(1, 200)] string Name,
    [Title(1, 200)] string Line1,
    [Title(1, 100)] string City,
    [Text(1, 2), RegularExpression("[A-Z]{2}", ErrorMessage = "Must be two capital letters, such as SY.")] string Country,
    [Title(0, 200)] string? Line2 = null,
    [Title(0, 100)] string? Region = null,
    [Title(0, 20)] string? PostalCode = null,
    [Title(0, 40)] string? Phone = null)
{
    /// <summary>Keeps personal data out of logs.</summary>
    public override string ToString() => nameof(Address);
}
